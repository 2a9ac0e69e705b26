/** Brings snapshots in: from the page, from storage, by request and by announcement; each is used whole or not at all. */

import { pause, wait } from "./backoff.js";
import { toHex } from "./bytes.js";
import { type Bytes, open, type Sealed } from "./envelope.js";
import type { Emitter } from "./emitter.js";
import type { Http } from "./http.js";
import { Stream, type Announcement } from "./stream.js";
import { verify } from "./verify.js";
import { type Edge, lay, unsigned } from "./wasm.js";

/** Why the module did not take a snapshot, in words. The first reason, "not newer", is none to report. */
const NOT_NEWER = 1;
const REFUSALS = [
  "",
  "",
  "it has expired; is the collector still publishing, and this clock right?",
  "it is damaged, or no snapshot",
  "it was written by a newer release: upgrade the package first",
  "it is another site's",
];

export interface Trusted {
  keys: readonly Bytes[];
  requireSignature: boolean;
}

export interface Watcher {
  /** A snapshot is in use. */
  used(): void;
  /** One that was used at once should not have been. */
  forged(): void;
}

export class Snapshots {
  /** The snapshot in use. */
  current: Sealed | null = null;
  readonly stream: Stream;
  readonly #edge: Edge;
  readonly #client: number;
  readonly #http: Http;
  readonly #emitter: Emitter;
  readonly #trusted: Trusted;
  readonly #watcher: Watcher;
  readonly #closing = new AbortController();
  #latest: Announcement | undefined;
  #fetching = false;
  #newest: Promise<void> | undefined;
  /** How the next one is asked for. */
  #how: RequestInit = {};

  constructor(edge: Edge, client: number, http: Http, emitter: Emitter, trusted: Trusted, watcher: Watcher) {
    this.#edge = edge;
    this.#client = client;
    this.#http = http;
    this.#emitter = emitter;
    this.#trusted = trusted;
    this.#watcher = watcher;
    this.stream = new Stream(http, (announcement) => void this.#announced(announcement));
  }

  /** One that came inside the page or was kept by it: as trusted as the page, so used at once and verified afterwards. */
  useAtOnce(sealed: Sealed | null, bootstrap: boolean): void {
    if (!sealed || !this.#offer(sealed, bootstrap)) return;
    void verify(sealed, this.#trusted.keys).then((trust) => {
      if (trust !== "forged") return this.#tell(trust === "verified");
      this.#emitter.error("snapshot", "the snapshot that came with the page has a wrong signature");
      this.#watcher.forged();
    });
  }

  /** Fetches the newest, and tries again until there is one to use. */
  fetchNewest(): Promise<void> {
    this.#newest ??= this.#fetchNewest().finally(() => (this.#newest = undefined));
    return this.#newest;
  }

  async #fetchNewest(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const response = await this.#http.get("/v1/snapshot", { signal, ...this.#how });
        if (response.ok) {
          await this.#take(open(new Uint8Array(await response.arrayBuffer())));
        } else {
          this.#emitter.error("network", `the collector has no snapshot to give (status ${response.status})`);
        }
      } catch (thrown) {
        if (!signal.aborted) this.#emitter.error("network", `no snapshot can be fetched (${thrown})`);
      }
      if (this.current || signal.aborted) return;
      await wait(pause(failures), signal);
    }
  }

  close(): void {
    this.#closing.abort();
    this.stream.stop();
  }

  /** Latest wins: while one is fetched, of the others only the newest is kept. */
  async #announced(announcement: Announcement): Promise<void> {
    this.#latest = announcement;
    if (this.#fetching) return;
    this.#fetching = true;
    try {
      while (this.#latest) {
        const next: Announcement = this.#latest;
        this.#latest = undefined;
        if (next.version > this.#version()) await this.#fetch(next);
      }
    } catch (thrown) {
      this.#emitter.error("network", `an announced snapshot cannot be fetched (${thrown})`);
    } finally {
      this.#fetching = false;
    }
  }

  async #fetch(next: Announcement): Promise<void> {
    // Without a snapshot in use the site's name is not known, which is part of what is signed.
    if (!this.current) return this.fetchNewest();
    const { site, hash, content } = this.current;
    const name = toHex(next.hash);
    // The same content under a newer version needs no request: a roll-back to it, or a beat.
    if (name === toHex(hash)) return this.#take({ ...next, site, content });
    const response = await this.#http.get(`/v1/snapshots/${name}`, this.#how);
    if (!response.ok) throw new Error(`status ${response.status}`);
    await this.#take({ ...next, site, content: new Uint8Array(await response.arrayBuffer()) });
  }

  /** What was fetched is verified before it is used. */
  async #take(sealed: Sealed | null): Promise<void> {
    const trust = sealed ? await verify(sealed, this.#trusted.keys) : "forged";
    // A cache that holds a damaged one would give it again, and hear from the collector that it is still the newest.
    this.#how = trust === "forged" ? this.#http.pastCaches : {};
    if (!sealed) return this.#emitter.error("snapshot", "what the collector gives is no snapshot, or needs a newer package");
    if (trust === "forged") return this.#emitter.error("snapshot", "a fetched snapshot has a wrong signature or hash");
    if (trust === "unverified" && this.#trusted.requireSignature) {
      return this.#emitter.error("snapshot", "a fetched snapshot cannot be verified here, and requireSignature is set");
    }
    if (!this.#closing.signal.aborted && this.#offer(sealed, false)) this.#tell(trust === "verified");
  }

  #offer(sealed: Sealed, bootstrap: boolean): boolean {
    const { site, version, expiresMs, content } = sealed;
    const refusal = this.#edge.offer(this.#client, ...lay(site, content), version, expiresMs, bootstrap, Date.now());
    if (refusal === 0) {
      this.current = sealed;
      this.#watcher.used();
    } else if (refusal !== NOT_NEWER) {
      this.#emitter.error("snapshot", `a snapshot was not taken: ${REFUSALS[refusal]}`);
    }
    return refusal === 0;
  }

  #version(): bigint {
    return unsigned(this.#edge.version(this.#client));
  }

  #tell(verified: boolean): void {
    this.#emitter.emit("update", { version: String(this.#version()), verified });
  }
}
