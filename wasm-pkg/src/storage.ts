/** What outlives a page, where that is allowed. A browser that forbids storage is a browser without memory, no error. */

import type { Options, Storage } from "./types.js";

export type Name = "visitor" | "memory" | "snapshot" | "session" | `unsent.${string}`;

const PREFIX = "tiltwise.";

export class Store {
  readonly #local: Storage | undefined;
  readonly #session: Storage | undefined;

  constructor(given: Options["storage"]) {
    this.#local = given === null ? undefined : (given?.local ?? own("localStorage"));
    this.#session = given === null ? undefined : (given?.session ?? own("sessionStorage"));
  }

  get(name: Name): string | null {
    try {
      return this.#of(name)?.getItem(PREFIX + name) ?? null;
    } catch {
      return null;
    }
  }

  set(name: Name, text: string): void {
    try {
      this.#of(name)?.setItem(PREFIX + name, text);
    } catch {
      // Full or forbidden: the page goes on without memory.
    }
  }

  remove(...names: Name[]): void {
    for (const name of names) {
      try {
        this.#of(name)?.removeItem(PREFIX + name);
      } catch {
        // Where nothing can be removed, nothing was stored.
      }
    }
  }

  /** The names of what every tab has stored, as far as the storage lists them: the browser's does. */
  names(): Name[] {
    try {
      const names = Object.keys(this.#local ?? {}).filter((name) => name.startsWith(PREFIX));
      return names.map((name) => name.slice(PREFIX.length) as Name);
    } catch {
      return [];
    }
  }

  /** Calls back when another tab has written its choices. */
  watch(changed: () => void): () => void {
    if (typeof addEventListener !== "function" || typeof document === "undefined") return () => undefined;
    const listener = (event: StorageEvent) => {
      if (event.key === `${PREFIX}memory` && event.newValue) changed();
    };
    addEventListener("storage", listener);
    return () => removeEventListener("storage", listener);
  }

  #of(name: Name): Storage | undefined {
    return name === "session" ? this.#session : this.#local;
  }
}

/** Only a page has storage of its own: Node's belongs to the program, not to a visitor. */
function own(name: "localStorage" | "sessionStorage"): Storage | undefined {
  try {
    return typeof document === "undefined" ? undefined : globalThis[name];
  } catch {
    return undefined;
  }
}
