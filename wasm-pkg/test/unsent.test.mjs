// What a page keeps of the batches that nobody has acknowledged: how much, how long, and what becomes of their times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { Collector } from "./kit/collector.mjs";
import { listing, shelves } from "./kit/page.mjs";

const consent = { measurement: "granted", personalization: "granted" };
const unsent = (local) => Object.keys(local).filter((name) => name.startsWith("tiltwise.unsent."));

/** A client on this storage that tracks these offline, and is closed. */
async function lose(collector, local, names, bufferedEvents = 100_000) {
  const client = createClient(collector.options({ consent, storage: { local }, bufferedEvents }));
  await client.ready();
  client.variant("hero");
  await client.flush();
  collector.offline = true;
  for (const name of names) client.track(name);
  await client.close();
  collector.offline = false;
}

/** The next client on it, after so much time. */
async function next(collector, local, laterMs = 0) {
  const { now } = Date;
  Date.now = () => now() + laterMs;
  try {
    const client = createClient(collector.options({ consent, storage: { local } }));
    await client.flush();
    await client.close();
  } finally {
    Date.now = now;
  }
}

test("a batch that was kept says when it is sent, so that its events happened when they did", async () => {
  const [collector, local] = [new Collector(), listing()];
  const before = Date.now();
  await lose(collector, local, ["signup"]);
  assert.equal(unsent(local).length, 1);
  collector.batches.length = 0;
  await next(collector, local, 3_600_000);
  const [sent] = collector.batches;
  assert.deepEqual(sent.events.map(({ outcome }) => outcome), ["signup"]);
  assert.ok(sent.sentMs >= before + 3_600_000 && sent.sentMs <= Date.now() + 3_600_000);
  assert.deepEqual(unsent(local), []);
});

test("a page that is still not heard keeps it for the one after", async () => {
  const [collector, local] = [new Collector(), listing()];
  await lose(collector, local, ["signup"]);
  collector.offline = true;
  await next(collector, local);
  assert.equal(unsent(local).length, 1);
  collector.offline = false;
  collector.batches.length = 0;
  await next(collector, local);
  assert.deepEqual(collector.events.map(({ outcome }) => outcome), ["signup"]);
});

test("what the collector refuses for good is kept no longer", async () => {
  const [collector, local] = [new Collector(), listing()];
  await lose(collector, local, ["signup"]);
  collector.answer = { status: 400 };
  await next(collector, local);
  assert.deepEqual(unsent(local), []);
});

test("half a megabyte of storage is kept at most, and the oldest is in it", async () => {
  const [collector, local] = [new Collector(), listing()];
  const long = (i) => `${i}`.padStart(60, "-");
  await lose(collector, local, Array.from({ length: 20_000 }, (_, i) => long(i)));
  const kept = unsent(local).reduce((sum, name) => sum + local[name].length, 0);
  assert.ok(kept > 300_000 && kept <= 500_000, `${kept}`);
  collector.batches.length = 0;
  await next(collector, local);
  const names = collector.events.map(({ outcome }) => outcome);
  assert.deepEqual(names, names.map((_, i) => long(i)));
});

test("a storage that does not list what is in it keeps none", async () => {
  const [collector, { local }] = [new Collector(), shelves()];
  await lose(collector, local, ["signup"]);
  assert.deepEqual([...local.items.keys()].sort(), ["tiltwise.memory", "tiltwise.snapshot", "tiltwise.visitor"]);
});
