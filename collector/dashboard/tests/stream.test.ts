import assert from "node:assert/strict";
import { after, before, beforeEach, mock, test } from "node:test";
import { clockOffsetMs, connect, link, state } from "../src/stream.ts";

/** Stands where the browser's EventSource does; the test says what arrives. */
class Source extends EventTarget {
  static all: Source[] = [];
  closed = false;

  constructor(readonly url: string) {
    super();
    Source.all.push(this);
  }

  close(): void {
    this.closed = true;
  }

  say(value: object): void {
    this.dispatchEvent(new MessageEvent("state", { data: JSON.stringify(value) }));
  }
}

const realFetch = globalThis.fetch;
const newest = () => Source.all.at(-1) as Source;
/** Lets what was promised so far come true. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

// One mocked clock for the whole file: the module keeps its timers, and a new clock would not know them.
before(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  Object.assign(globalThis, { EventSource: Source });
});

beforeEach(() => {
  Source.all = [];
  state.value = null;
  link.value = "connecting";
});

after(() => {
  mock.timers.reset();
  globalThis.fetch = realFetch;
});

test("the newest state stands, and ages follow the collector's clock", () => {
  connect();
  newest().say({ now: 1_004_000 });
  assert.equal(link.value, "live");
  assert.equal(state.value?.now, 1_004_000);
  assert.equal(clockOffsetMs.value, 4_000);
});

test("a lost connection keeps the last numbers and tries again", async () => {
  globalThis.fetch = () => Promise.reject(new TypeError("connection refused"));
  connect();
  newest().say({ now: 1_000_000 });
  newest().dispatchEvent(new Event("error"));
  await settle();
  assert.equal(link.value, "reconnecting");
  assert.equal(state.value?.now, 1_000_000);
  mock.timers.tick(2_000);
  assert.equal(Source.all.length, 2);
  newest().say({ now: 1_002_000 });
  assert.equal(link.value, "live");
});

test("a stream that falls silent is given up, though the browser calls it open", async () => {
  globalThis.fetch = () => Promise.resolve(new Response(null, { status: 200 }));
  connect();
  const first = newest();
  first.say({ now: 1_000_000 });
  mock.timers.tick(5_000);
  await settle();
  assert.equal(first.closed, true);
  assert.equal(link.value, "reconnecting");
  mock.timers.tick(2_000);
  assert.equal(Source.all.length, 2);
});

test("a browser that is not signed in is told so, and does not knock again", async () => {
  globalThis.fetch = () => Promise.resolve(new Response(null, { status: 401 }));
  connect();
  newest().dispatchEvent(new Event("error"));
  await settle();
  assert.equal(link.value, "signed-out");
  mock.timers.tick(60_000);
  assert.equal(Source.all.length, 1);
});
