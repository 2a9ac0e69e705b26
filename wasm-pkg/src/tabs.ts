/**
 * What one tab tells the others of its origin: no. A denial holds in all of them at once.
 *
 * Over a channel and not through storage: who denies has nothing stored, not for an instant. A yes is not passed on: each
 * page is told by whoever asked the person.
 */

import type { Consent } from "./types.js";

export class Tabs {
  readonly #channel: BroadcastChannel | undefined;

  constructor(denied: (answers: Partial<Consent>) => void) {
    // Node has channels too, and one would keep its program from ending.
    if (typeof document === "undefined") return;
    try {
      this.#channel = new BroadcastChannel("tiltwise");
      this.#channel.onmessage = ({ data }) => denied(denials(data));
    } catch {
      // An old browser, or one that forbids it: each tab hears of a denial by its own page.
    }
  }

  tell(answers: Partial<Consent>): void {
    const told = denials(answers);
    if (Object.keys(told).length > 0) this.#channel?.postMessage(told);
  }

  close(): void {
    this.#channel?.close();
  }
}

function denials(answers: Partial<Consent>): Partial<Consent> {
  return Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer === "denied"));
}
