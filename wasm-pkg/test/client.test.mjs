// The rest of what a user calls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { Collector } from "./kit/collector.mjs";

const consent = { measurement: "granted", personalization: "granted" };
const context = { device: "phone", country: "US" };

async function ready(more = {}) {
  const collector = new Collector();
  const client = createClient(collector.options({ consent, context, ...more }));
  await client.ready();
  return { collector, client };
}

test("variant never throws, whatever it is asked", async () => {
  const { client } = await ready({ context: { device: NaN, "": "x", country: Symbol.iterator && "US", deep: { a: 1 }, none: null } });
  for (const key of [undefined, null, "", 7, {}, [], "x".repeat(1e5), "\ud800", "__proto__", () => 1]) {
    const shown = client.variant(key, { fallback: 42 });
    assert.deepEqual([shown.value, shown.source], [42, "fallback"]);
  }
  await client.close();
  assert.equal(client.variant("hero", { fallback: 1 }).source, "fallback");
});

test("garbage to the other calls is an error event, never an exception", async () => {
  const { client } = await ready();
  const codes = [];
  client.on("error", (error) => codes.push(error.code));
  client.track("");
  client.track("x", { value: -1 });
  client.track("x", { value: NaN });
  client.track("x", { currency: "EURO" });
  client.identify("");
  client.identify("x".repeat(129));
  client.override("no such experiment", "x");
  client.setContext({ a: undefined, b: Infinity });
  assert.deepEqual(codes, Array(6).fill("argument"));
  await client.close();
});

test("a listener that throws does not reach the page's own code", async () => {
  const { client } = await ready();
  const { error } = console;
  const told = [];
  console.error = (thrown) => told.push(thrown.message);
  client.on("exposure", () => {
    throw new Error("the listener's own");
  });
  assert.equal(client.variant("hero").source, "model");
  console.error = error;
  assert.deepEqual(told, ["the listener's own"]);
  await client.close();
});

test("an override is shown, flagged, and lifted again", async () => {
  const { client, collector } = await ready();
  const drawn = client.variant("hero").key;
  const other = ["calm", "bold", "social"].find((key) => key !== drawn);
  client.override("hero", other);
  assert.deepEqual([client.variant("hero").key, client.variant("hero").source], [other, "override"]);
  client.override("hero", null);
  assert.equal(client.variant("hero").key, drawn);
  await client.close();
  assert.deepEqual(collector.events.map((e) => (e.flags & 2) !== 0), [false, true]);
});

test("identify adds the account to what follows and changes nothing shown", async () => {
  const { client, collector } = await ready();
  const { key } = client.variant("hero");
  client.identify("customer-17");
  client.track("purchase", { value: 10, currency: "EUR", id: "order-1" });
  assert.equal(client.variant("hero").key, key);
  await client.close();
  assert.deepEqual(collector.batches.map((b) => b.account), ["", "customer-17"]);
  assert.equal(new Set(collector.batches.map((b) => b.visitor)).size, 1);
});

test("explain says how a decision comes about", async () => {
  const { client } = await ready();
  const shown = client.variant("hero");
  const explained = await client.explain("hero");
  assert.equal(explained.experiment, "hero");
  assert.equal(explained.policy, "contextual");
  assert.equal(explained.eligible, true);
  assert.equal(explained.shown, shown.key);
  assert.equal(explained.drawn, shown.key);
  assert.equal(explained.arms.find((arm) => arm.key === shown.key).probability, shown.propensity);
  assert.ok(Math.abs(explained.arms.reduce((sum, arm) => sum + arm.probability, 0) - 1) < 1e-9);
  assert.ok(explained.features.some((f) => f.attribute === "device" && f.slot > 0));
  assert.ok(explained.draw >= 0 && explained.draw < 1);
  assert.match(explained.why, /^Drawn with a probability of /);
  client.setContext({ country: "FR" });
  const elsewhere = await client.explain("hero");
  assert.equal(elsewhere.eligible, false);
  assert.match(elsewhere.why, /condition/);
  assert.ok(JSON.stringify(elsewhere.condition).includes('"actual":"FR"'));
  assert.equal(await client.explain("no such experiment"), null);
  client.setConsent({ personalization: "denied" });
  const plain = await client.explain("hero");
  assert.deepEqual([plain.personalized, plain.features], [false, []]);
  await client.close();
});

test("ready says false where the client was closed first", async () => {
  const collector = new Collector();
  collector.snapshot = null;
  const client = createClient(collector.options({ consent }));
  const ready = client.ready();
  await client.close();
  assert.equal(await ready, false);
});

test("two clients of one page share nothing", async () => {
  const [one, two] = [await ready(), await ready()];
  assert.notEqual(one.client.visitorId(), two.client.visitorId());
  one.client.track("only one");
  await one.client.close();
  await two.client.close();
  assert.deepEqual([one.collector.events.length, two.collector.events.length], [1, 0]);
});
