/** Requests that carry nothing but what they are for. */

import type { Options } from "./types.js";

export class Http {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  /** A page's requests name neither cookies nor the page. Workers have neither, and some refuse the very options. */
  readonly #quiet: RequestInit =
    typeof document === "undefined" ? {} : { credentials: "omit", referrerPolicy: "no-referrer", mode: "cors" };

  /** For a request whose answer no cache may give. */
  readonly pastCaches: RequestInit = typeof document === "undefined" ? {} : { cache: "reload" };

  constructor(options: Options) {
    this.#base = options.url.replace(/\/+$/, "");
    this.#fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
  }

  get(path: string, more: RequestInit = {}): Promise<Response> {
    return this.#fetch(this.#base + path, { ...this.#quiet, ...more });
  }

  /** As text/plain, which needs no preflight; `keepalive` lets it outlive the page. */
  post(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response> {
    const keepalive = typeof document === "undefined" ? {} : { keepalive: true };
    const headers = { "content-type": "text/plain" };
    return this.#fetch(this.#base + path, { ...this.#quiet, ...keepalive, method: "POST", headers, body: bytes });
  }

  /** For browsers whose fetch ends with the page. Says nothing of what became of it. */
  beacon(path: string, bytes: Uint8Array<ArrayBuffer>): boolean {
    const send = globalThis.navigator?.sendBeacon?.bind(navigator);
    return send?.(this.#base + path, new Blob([bytes], { type: "text/plain" })) ?? false;
  }
}
