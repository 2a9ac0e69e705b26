/**
 * Batches that nobody has acknowledged when their page is left: kept, and sent by the next one.
 *
 * Each lies under a name of its own, so that tabs never write over each other's. A batch says its session and its number,
 * by which the collector knows a copy: who sends it, and how often, does not matter.
 *
 * Only beside a stored visitor: where that is gone somebody has denied, and a storage that does not list it could not be
 * asked for these names either.
 */

import { random, toBytes, toHex } from "./bytes.js";
import type { Bytes } from "./envelope.js";
import type { Name, Store } from "./storage.js";
import type { Answer } from "./types.js";

const UNSENT = "unsent.";
/** The collector knows a copy for two days. The other day is for devices whose clock was put back. */
const AGE_MS = 86_400_000;
/** Characters of all batches together, two for a byte; browsers give an origin five million. */
const ROOM = 500_000;

/** What an attribute may have shaped, by the answers when it was kept. */
const PLAIN = "0";
const PERSONAL = "1";
/** The browser said Global Privacy Control, and the site does not let it deny. */
const PERSONAL_DESPITE_GPC = "2";

export class Unsent {
  readonly #store: Store;
  readonly #personalization: () => Answer;
  readonly #gpc: () => boolean;
  /** What tells this page's names from others'. */
  readonly #page = `${UNSENT}${toHex(random(8))}.`;

  /** The answers are those that hold when something is kept or taken. */
  constructor(store: Store, personalization: () => Answer, gpc: () => boolean) {
    this.#store = store;
    this.#personalization = personalization;
    this.#gpc = gpc;
  }

  /** Keeps what there is room for, in order: what came first matters more, since no outcome counts without its exposure. */
  keep(batches: Map<number, Uint8Array>): void {
    const names = this.#store.names();
    if (!names.includes("visitor")) return;
    const kind = this.#personalization() !== "granted" ? PLAIN : this.#gpc() ? PERSONAL_DESPITE_GPC : PERSONAL;
    let room = ROOM;
    for (const name of names) if (name.startsWith(UNSENT)) room -= this.#store.get(name)?.length ?? 0;
    for (const [ticket, bytes] of batches) {
      const [name, text] = [this.#name(ticket), `${Date.now()} ${kind} ${toHex(bytes)}`];
      room -= text.length - (this.#store.get(name)?.length ?? 0);
      if (room < 0) return;
      this.#store.set(name, text);
    }
  }

  /** The names of what other pages kept. */
  names(): Name[] {
    return this.#all().filter((name) => !name.startsWith(this.#page));
  }

  /** A batch that may be sent now; `null`: it may not, or it is gone. What never may again is erased. */
  take(name: Name): Bytes | null {
    const personalization = this.#personalization();
    const [keptMs, kind, hex] = (this.#store.get(name) ?? "").split(" ");
    const isRecent = Math.abs(Date.now() - Number(keptMs)) < AGE_MS;
    const bytes = hex && isRecent && !(this.#gpc() && kind === PERSONAL) ? toBytes(hex) : null;
    if (!bytes || (personalization === "denied" && kind !== PLAIN)) this.#store.remove(name);
    else if (kind === PLAIN || personalization === "granted") return sentNow(bytes);
    return null;
  }

  drop(name: Name | number): void {
    this.#store.remove(typeof name === "number" ? this.#name(name) : name);
  }

  /** Erases everything, whichever page kept it. */
  erase(): void {
    this.#store.remove(...this.#all());
  }

  #all(): Name[] {
    return this.#store.names().filter((name) => name.startsWith(UNSENT));
  }

  #name(ticket: number): Name {
    return (this.#page + ticket) as Name;
  }
}

/**
 * The same batch, sent at another time: the collector tells from it how long ago an event was made. A field that stands
 * twice is what it says last.
 */
function sentNow(bytes: Bytes): Bytes {
  const field = [5 << 3];
  let rest = Date.now();
  for (; rest > 127; rest = Math.floor(rest / 128)) field.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, ...field, rest]);
}
