/** Tells listeners, and shields the client from theirs. */

import type { ClientError, ErrorCode, Events } from "./types.js";

type Listeners = { [K in keyof Events]: Set<(detail: Events[K]) => void> };

export class Emitter {
  readonly #listeners: Listeners = { update: new Set(), exposure: new Set(), consent: new Set(), error: new Set() };

  on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void {
    this.#listeners[event]?.add(listener);
    return () => void this.#listeners[event]?.delete(listener);
  }

  emit<K extends keyof Events>(event: K, detail: Events[K]): void {
    for (const listener of this.#listeners[event]) {
      try {
        listener(detail);
      } catch (thrown) {
        // It is the listener's own, so it is told where its author looks; a choice must not fail by it.
        console.error(thrown);
      }
    }
  }

  error(code: ErrorCode, message: string): void {
    this.emit("error", Object.assign(new Error(message), { code }) as ClientError);
  }
}
