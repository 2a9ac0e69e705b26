/**
 * Carries batches to the collector and says what became of them. Which, when and how often the module decides; what is
 * still open when the page is left is kept for the next one.
 */

import type { Bytes } from "./envelope.js";
import type { Emitter } from "./emitter.js";
import type { Http } from "./http.js";
import type { Unsent } from "./unsent.js";
import { type Edge, take } from "./wasm.js";

const DOOR = "/v1/e";

/** What the module is told of a batch. */
const ON_DISK = 0;
const REFUSED = 1;
const AGAIN = 2;
/** From this on a byte of the answer is the reason why an event was rejected. */
const FIRST_REJECT = 2;

export class Outbox {
  readonly #edge: Edge;
  readonly #id: number;
  readonly #http: Http;
  readonly #emitter: Emitter;
  readonly #unsent: Unsent;
  readonly #underway = new Set<Promise<void>>();
  /** What was given out and has not been answered for good, by ticket. */
  readonly #open = new Map<number, Bytes>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Some batch was given to a beacon, which never tells. */
  #unheard = false;
  /** Earlier pages' batches are being sent; or were, in vain. */
  #resending = false;
  #isLeft = false;

  constructor(edge: Edge, id: number, http: Http, emitter: Emitter, unsent: Unsent) {
    this.#edge = edge;
    this.#id = id;
    this.#http = http;
    this.#emitter = emitter;
    this.#unsent = unsent;
  }

  /** Sends what is due, and wakes up for what is due later. */
  pump(): void {
    this.#drain(false);
  }

  /** Sends everything that may be sent, now. */
  async flush(): Promise<void> {
    this.#drain(true);
    await Promise.all(this.#underway);
  }

  /** The page goes, perhaps for good. */
  leave(): void {
    const beacons = typeof Request === "undefined" || !("keepalive" in Request.prototype);
    this.#drain(true, beacons);
    this.keep();
  }

  /** Stores what nobody has acknowledged. */
  keep(): void {
    this.#unsent.keep(this.#open);
  }

  /** Nothing that was given out may be sent again. */
  forget(): void {
    this.#open.clear();
  }

  /** Sends what earlier pages could not. Another tab may do the same: it counts once. */
  resend(): void {
    if (this.#resending) return;
    this.#resending = true;
    this.#isLeft = false;
    const sent = this.#resend().finally(() => {
      this.#resending = false;
      this.#underway.delete(sent);
    });
    this.#underway.add(sent);
  }

  /** The page is back: what nobody was heard of goes again. */
  comeBack(frozen: boolean): void {
    if (this.#unheard || frozen) this.#edge.interrupted(this.#id);
    this.#unheard = false;
    this.pump();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #drain(all: boolean, beacons = false): void {
    for (;;) {
      const bytes = take(this.#edge.nextBatch(this.#id, Date.now(), all));
      if (bytes.length === 0) break;
      const ticket = this.#edge.ticket(this.#id);
      this.#open.set(ticket, bytes);
      if (beacons && this.#http.beacon(DOOR, bytes)) {
        this.#unheard = true;
        continue;
      }
      const sent = this.#send(ticket, bytes).finally(() => this.#underway.delete(sent));
      this.#underway.add(sent);
    }
    this.#wake();
  }

  #wake(): void {
    clearTimeout(this.#timer);
    const at = this.#edge.nextSendAt(this.#id, Date.now());
    if (at !== Infinity) this.#timer = setTimeout(() => this.pump(), Math.max(0, at - Date.now()));
  }

  async #send(ticket: number, bytes: Bytes): Promise<void> {
    const { outcome, asked, isCut } = await this.#post(bytes);
    if (outcome !== AGAIN) {
      this.#open.delete(ticket);
      this.#unsent.drop(ticket);
    } else if (isCut && this.#open.has(ticket) && isHidden()) {
      // Past the quota of requests that outlive a page, a beacon has one of its own.
      this.#unheard ||= this.#http.beacon(DOOR, bytes);
    }
    this.#edge.report(this.#id, ticket, outcome, Date.now(), asked);
    this.#wake();
    if (outcome === ON_DISK && this.#isLeft) this.resend();
  }

  async #resend(): Promise<void> {
    for (const name of this.#unsent.names()) {
      const bytes = this.#unsent.take(name);
      if (!bytes) continue;
      const { outcome } = await this.#post(bytes);
      this.#isLeft = outcome === AGAIN;
      if (this.#isLeft) return;
      this.#unsent.drop(name);
    }
  }

  /** What became of a batch, and for how long the collector asks to be left alone; or there was no answer at all. */
  async #post(bytes: Bytes): Promise<{ outcome: number; asked: number; isCut: boolean }> {
    let [outcome, asked, isCut] = [AGAIN, 0, false];
    try {
      const response = await this.#http.post(DOOR, bytes);
      const { status } = response;
      asked = retryAfter(response);
      if (response.ok) {
        outcome = ON_DISK;
        this.#judged(new Uint8Array(await response.arrayBuffer()));
      } else if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        outcome = REFUSED;
        this.#emitter.error("rejected", `the collector refused a batch with status ${status}; its events are gone`);
      } else {
        this.#emitter.error("network", `the collector answered ${status}; the batch is sent again`);
      }
    } catch (thrown) {
      if (outcome === AGAIN) {
        isCut = true;
        this.#emitter.error("network", `the collector cannot be reached (${thrown}); the batch is sent again`);
      }
    }
    return { outcome, asked, isCut };
  }

  /** The answer is empty where all is well, and otherwise one byte an event. */
  #judged(verdicts: Uint8Array): void {
    const rejected = verdicts.filter((code) => code >= FIRST_REJECT);
    if (rejected.length > 0) {
      this.#emitter.error("rejected", `the collector rejected ${rejected.length} events (codes ${rejected.join(", ")})`);
    }
  }
}

function isHidden(): boolean {
  return typeof document !== "undefined" && document.visibilityState === "hidden";
}

/** In milliseconds; seconds and dates both occur. */
function retryAfter(response: Response): number {
  const said = response.headers.get("retry-after");
  if (!said) return 0;
  const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Math.max(0, ms || 0);
}
