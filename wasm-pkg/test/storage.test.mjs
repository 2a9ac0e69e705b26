// What a second page, a second tab and a page without storage make of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { Collector } from "./kit/collector.mjs";
import { page, shelves } from "./kit/page.mjs";

const consent = { measurement: "granted", personalization: "granted" };
const context = { device: "phone", country: "US" };
const experiments = ["hero", "checkout"];

async function open(collector, storage) {
  const client = createClient(collector.options({ consent, context, storage }));
  await client.ready();
  return client;
}

test("after a reload the visitor, the choices and the last snapshot are there at once, and nothing is exposed twice", async () => {
  const collector = new Collector();
  const storage = shelves();
  const first = await open(collector, storage);
  const shown = experiments.map((key) => first.variant(key).key);
  const visitor = first.visitorId();
  await first.close();
  const exposures = collector.events.length;
  collector.offline = true;
  const second = createClient(collector.options({ consent, context, storage }));
  assert.equal(second.visitorId(), visitor);
  assert.deepEqual(experiments.map((key) => second.variant(key)).map((v) => [v.key, v.source]), shown.map((key) => [key, "sticky"]));
  collector.offline = false;
  await second.close();
  assert.equal(collector.events.length, exposures);
});

test("two tabs share the visitor, and one sees what the other chose", async () => {
  const here = page();
  try {
    const collector = new Collector();
    const { local } = shelves();
    const tab = () => open(collector, { local, session: shelves().session });
    const [one, two] = [await tab(), await tab()];
    const shown = one.variant("hero");
    await one.flush();
    here.stored("tiltwise.memory", local.getItem("tiltwise.memory"));
    assert.equal(one.visitorId(), two.visitorId());
    assert.deepEqual(two.variant("hero"), { ...shown, source: "sticky" });
    await one.close();
    await two.close();
  } finally {
    here.end();
  }
});

test("where storage is forbidden or full of nonsense the client works without it", async () => {
  for (const spoil of [
    ({ local, session }) => (local.denied = session.denied = true),
    ({ local }) => ["visitor", "memory", "snapshot"].forEach((name) => local.setItem(`tiltwise.${name}`, "nonsense")),
    ({ local, session }) => [local, session].forEach((s) => ["visitor", "memory", "snapshot", "session"].forEach((n) => s.setItem(`tiltwise.${n}`, "{}"))),
  ]) {
    const storage = shelves();
    spoil(storage);
    const client = await open(new Collector(), storage);
    assert.equal(client.variant("hero").source, "model");
    await client.close();
  }
});

test("a reset forgets the visitor on the device too", async () => {
  const collector = new Collector();
  const storage = shelves();
  const client = await open(collector, storage);
  client.variant("hero");
  await client.flush();
  const visitor = client.visitorId();
  client.reset();
  assert.notEqual(client.visitorId(), visitor);
  assert.equal(client.variant("hero").source, "model");
  await client.close();
  assert.ok(!JSON.stringify([...storage.local.items]).includes(visitor));
});
