// Events are sent until they are acknowledged, and not longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { Collector } from "./kit/collector.mjs";
import { page } from "./kit/page.mjs";

const consent = { measurement: "granted", personalization: "granted" };

async function ready(more = {}) {
  const collector = new Collector();
  const client = createClient(collector.options({ consent, ...more }));
  await client.ready();
  return { collector, client };
}

test("offline and then online again, nothing is lost and nothing counts twice", async () => {
  const { collector, client } = await ready();
  collector.offline = true;
  for (let i = 0; i < 120; i++) client.track("click", { id: String(i) });
  await client.flush();
  assert.equal(collector.events.length, 0);
  collector.offline = false;
  for (let i = 120; i < 150; i++) client.track("click", { id: String(i) });
  await client.flush();
  const ids = collector.events.map((e) => Number(e.id)).sort((a, b) => a - b);
  assert.deepEqual(ids, Array.from({ length: 150 }, (_, i) => i));
  const numbers = collector.batches.map((b) => b.sequence);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.deepEqual([...numbers].sort((a, b) => a - b), numbers.map((_, i) => i));
  await client.close();
});

test("events go out by themselves, together", async () => {
  const { collector, client } = await ready();
  client.track("a");
  client.track("b");
  await collector.until((c) => c.batches.length > 0);
  assert.deepEqual(collector.batches.map((b) => b.events.length), [2]);
  await client.close();
});

test("a collector that asks for patience gets it", async () => {
  const { collector, client } = await ready();
  collector.answer = { status: 503, retryAfter: 3600 };
  client.track("a");
  await collector.until((c) => c.requests.some((r) => r.method === "POST"));
  collector.answer = { status: 200 };
  client.track("b");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(collector.batches.length, 0);
  await client.close();
  assert.equal(collector.events.length, 2);
});

test("a batch that is refused for good is dropped and reported, and the next one goes", async () => {
  const { collector, client } = await ready();
  const errors = [];
  client.on("error", (error) => errors.push(error.code));
  collector.answer = { status: 400 };
  client.track("a");
  await client.flush();
  collector.answer = { status: 200 };
  client.track("b");
  await client.flush();
  assert.deepEqual(errors, ["rejected"]);
  assert.deepEqual(collector.events.map((e) => e.outcome), ["b"]);
  assert.equal(collector.batches[0].sequence, 1);
  await client.close();
});

test("the buffer is bounded, and what it drops is told with the next batch", async () => {
  const { collector, client } = await ready({ bufferedEvents: 10 });
  collector.offline = true;
  const errors = [];
  client.on("error", (error) => errors.push(error.message));
  for (let i = 0; i < 14; i++) client.track("a");
  assert.equal(errors.filter((message) => message.includes("buffer")).length, 4);
  collector.offline = false;
  await client.flush();
  assert.equal(collector.events.length, 10);
  assert.equal(collector.batches.at(-1).dropped, 4);
  await client.close();
});

test("requests carry no cookie, no referrer and nothing that would ask for a preflight", async () => {
  const here = page();
  try {
    const { collector, client } = await ready({ stream: false });
    client.track("a");
    await client.flush();
    for (const { init } of collector.requests) {
      assert.equal(init.credentials, "omit");
      assert.equal(init.referrerPolicy, "no-referrer");
      assert.deepEqual(init.headers ?? {}, init.method === "POST" ? { "content-type": "text/plain" } : {});
    }
    assert.equal(collector.requests.at(-1).init.keepalive, true);
    await client.close();
  } finally {
    here.end();
  }
});

test("a page that is hidden or goes sends what it has at once, and lets go of its stream", async () => {
  const here = page();
  try {
    for (const leave of [() => here.show("hidden"), () => here.go()]) {
      const { collector, client } = await ready({ flushIntervalMs: 60_000 });
      await collector.until((c) => c.streams === 1);
      client.track("a");
      leave();
      assert.equal(collector.requests.at(-1).path, "/v1/e");
      assert.equal(collector.streams, 0);
      here.show("visible");
      await collector.until((c) => c.streams === 1);
      await client.close();
    }
  } finally {
    here.end();
  }
});

test("without a fetch that outlives the page a beacon carries the last events, and they go again if the page comes back", async () => {
  const here = page();
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const request = globalThis.Request;
  const beacons = [];
  Object.defineProperty(globalThis, "navigator", { value: { sendBeacon: (url, body) => beacons.push([url, body]) > 0 }, configurable: true });
  globalThis.Request = class {};
  try {
    const { collector, client } = await ready({ flushIntervalMs: 60_000 });
    client.track("a");
    here.show("hidden");
    assert.deepEqual(beacons.map(([url, body]) => [url, body.type]), [["https://t.test/p/v1/e", "text/plain"]]);
    here.show("visible");
    await collector.until((c) => c.batches.length === 1);
    assert.deepEqual(collector.events.map((e) => e.outcome), ["a"]);
    await client.close();
  } finally {
    globalThis.Request = request;
    if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
    else delete globalThis.navigator;
    here.end();
  }
});
