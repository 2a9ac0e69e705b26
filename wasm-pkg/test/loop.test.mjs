// The loop of a page: decide, expose, track, send, hear of new weights.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { Collector } from "./kit/collector.mjs";
import { content } from "./kit/golden.mjs";
import { sealed } from "./kit/seal.mjs";

const granted = { measurement: "granted", personalization: "granted" };
const context = { device: "phone", country: "US" };

test("a first choice is the fallback until the snapshot is there, and then the model's", async () => {
  const collector = new Collector();
  const client = createClient(collector.options({ consent: granted, context }));
  assert.deepEqual(client.variant("hero", { fallback: "Hello" }), {
    key: null, value: "Hello", experiment: "hero", propensity: null, modelVersion: null, source: "fallback",
  });
  assert.equal(await client.ready(), true);
  const shown = client.variant("hero", { fallback: "Hello" });
  assert.equal(shown.source, "model");
  assert.equal(shown.modelVersion, "1");
  assert.ok(shown.propensity > 0 && shown.propensity <= 1);
  assert.notEqual(shown.key, null);
  const again = client.variant("hero");
  assert.deepEqual(again, { ...shown, source: "sticky" });
  await client.close();
});

test("what is shown is exposed once, and an outcome follows it under the same visitor", async () => {
  const collector = new Collector();
  const client = createClient(collector.options({ consent: granted, context }));
  await client.ready();
  const seen = [];
  client.on("exposure", (variant) => seen.push(variant.experiment));
  for (let i = 0; i < 3; i++) client.variant("hero");
  client.track("signup", { id: "order-1" });
  await client.flush();
  assert.deepEqual(seen, ["hero"]);
  assert.deepEqual(collector.events.map((e) => e.outcome ?? "exposure"), ["exposure", "signup"]);
  assert.equal(collector.events[1].id, "order-1");
  for (const batch of collector.batches) {
    assert.equal(batch.magic, "TWB1");
    assert.equal(batch.visitor, client.visitorId());
    assert.equal(batch.unpersonalized, false);
  }
  await client.close();
});

test("a bootstrap is used at once, without waiting for any request", async () => {
  const collector = new Collector();
  collector.offline = true;
  const bootstrap = Buffer.from(sealed(content("shop"), { version: 5n })).toString("base64");
  const client = createClient(collector.options({ consent: granted, context, bootstrap }));
  const shown = client.variant("hero");
  assert.equal(shown.source, "bootstrap");
  assert.equal(shown.modelVersion, "5");
  await client.close();
});

test("new weights never change what is shown, and apply to the next choice", async () => {
  const collector = new Collector();
  const client = createClient(collector.options({ consent: granted, context }));
  await client.ready();
  const shown = client.variant("hero");
  await collector.until((c) => c.streams === 1);
  const updated = new Promise((resolve) => client.on("update", resolve));
  collector.announce(content("burn-in"), { version: 9n });
  assert.deepEqual(await updated, { version: "9", verified: true });
  assert.equal(client.variant("hero").key, shown.key);
  assert.equal(client.variant("hero").modelVersion, "1");
  client.reset();
  assert.equal(client.variant("hero").modelVersion, "9");
  await client.close();
});

test("after the collector was restarted the stream comes back by itself", async () => {
  const collector = new Collector();
  const client = createClient(collector.options({ consent: granted, context }));
  await client.ready();
  await collector.until((c) => c.streams === 1);
  collector.cut();
  await collector.until((c) => c.streams === 1);
  const updated = new Promise((resolve) => client.on("update", resolve));
  collector.announce(content("burn-in"), { version: 2n });
  assert.equal((await updated).version, "2");
  await client.close();
});
