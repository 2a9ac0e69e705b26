// A collector that records every request and answers as it is told, in place of `fetch`.
import { once } from "node:events";
import { EventEmitter } from "node:events";
import { batch } from "./batch.mjs";
import { content } from "./golden.mjs";
import { announcement, hashOf, publicKey, sealed } from "./seal.mjs";

export class Collector {
  requests = [];
  batches = [];
  /** What `GET /v1/snapshot` gives; `null`: nothing. */
  snapshot = sealed(content("shop"));
  contents = new Map();
  offline = false;
  /** Status of the next answers to batches, and their Retry-After. */
  answer = { status: 200 };
  #events = new EventEmitter();
  #streams = new Set();

  /** Options of a client of this collector. */
  options(more = {}) {
    return { url: "https://t.test/p/", publicKeys: [publicKey], fetch: this.fetch, storage: null, flushIntervalMs: 5, ...more };
  }

  fetch = async (url, init = {}) => {
    const path = new URL(url).pathname.replace("/p", "");
    this.requests.push({ method: init.method ?? "GET", path, init });
    if (this.offline) throw new TypeError("fetch failed");
    if (path === "/v1/snapshot") return this.snapshot ? new Response(this.snapshot) : new Response(null, { status: 503 });
    if (path === "/v1/stream") return this.#stream(init.signal);
    if (path === "/v1/e") return this.#take(init.body);
    const bytes = this.contents.get(path.split("/").pop());
    return bytes ? new Response(bytes) : new Response(null, { status: 404 });
  };

  /** Announces content under a new version to every open stream. */
  announce(bytes, about) {
    this.contents.set(hashOf(bytes), bytes);
    for (const stream of this.#streams) {
      stream.enqueue(new TextEncoder().encode(`event: snapshot\nid: ${about.version}\ndata: ${announcement(bytes, about)}\n\n`));
    }
  }

  /** Ends every stream, as a restart does. */
  cut() {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  get streams() {
    return this.#streams.size;
  }

  /** Every event that was answered with 200, once per copy. */
  get events() {
    return this.batches.flatMap((b) => b.events);
  }

  /** Resolves when `holds` does; looked at after every request. */
  async until(holds) {
    while (!holds(this)) await once(this.#events, "request", { signal: AbortSignal.timeout(10_000) });
  }

  #take(body) {
    const { status, retryAfter } = this.answer;
    if (status === 200) this.batches.push(batch(body));
    this.#soon();
    const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
    return new Response(status === 200 ? new Uint8Array() : null, { status, headers });
  }

  #stream(signal) {
    let mine;
    const body = new ReadableStream({
      start: (controller) => {
        mine = controller;
        this.#streams.add(controller);
      },
    });
    signal?.addEventListener("abort", () => {
      if (this.#streams.delete(mine)) mine.error(new Error("aborted"));
    });
    this.#soon();
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #soon() {
    setImmediate(() => this.#events.emit("request"));
  }
}
