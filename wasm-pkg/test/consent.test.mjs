// What leaves the device and what stays on it, for every answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { Collector } from "./kit/collector.mjs";
import { page, shelves } from "./kit/page.mjs";

const context = { device: "phone", country: "US" };
const all = { measurement: "granted", personalization: "granted" };

async function visit(consent, more = {}) {
  const collector = new Collector();
  const storage = shelves();
  const client = createClient(collector.options({ consent, context, storage, ...more }));
  await client.ready();
  const shown = client.variant("hero", { fallback: "Hello" });
  client.track("signup");
  await client.flush();
  return { client, collector, shown, storage };
}

const kept = ({ local, session }) => [...local.items.keys(), ...session.items.keys()].sort();
const posts = (collector) => collector.requests.filter((r) => r.method === "POST").length;

test("while consent is pending the snapshot is the only request, and nothing is stored", async () => {
  const { client, collector, shown, storage } = await visit({});
  assert.equal(shown.source, "model");
  assert.deepEqual(collector.requests.map((r) => `${r.method} ${r.path}`), ["GET /v1/snapshot"]);
  assert.deepEqual(kept(storage), []);
  assert.equal(client.visitorId(), null);
  await client.close();
  assert.equal(posts(collector), 0);
});

test("what was held while pending goes out when consent is granted, and the same variant stays", async () => {
  const { client, collector, shown, storage } = await visit({});
  client.setConsent(all);
  await client.flush();
  assert.deepEqual(collector.events.map((e) => e.outcome ?? "exposure").sort(), ["exposure", "signup"]);
  assert.equal(client.variant("hero").key, shown.key);
  assert.equal(collector.batches[0].visitor, client.visitorId());
  assert.deepEqual(kept(storage), ["tiltwise.memory", "tiltwise.session", "tiltwise.snapshot", "tiltwise.visitor"]);
  await client.close();
});

test("denied measurement shows the control and leaves nothing, held or stored", async () => {
  const { client, collector, shown, storage } = await visit({ measurement: "denied", personalization: "denied" });
  assert.deepEqual([shown.source, shown.key, shown.propensity], ["consent", "calm", null]);
  assert.equal(posts(collector), 0);
  assert.deepEqual(kept(storage), []);
  await client.close();
});

test("a withdrawal erases what was stored, and nothing is sent after it", async () => {
  const { client, collector, storage } = await visit(all);
  const before = posts(collector);
  const visitor = client.visitorId();
  client.setConsent({ measurement: "denied" });
  assert.deepEqual(kept(storage), []);
  client.variant("badge");
  client.track("purchase");
  await client.flush();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(kept(storage), []);
  assert.equal(posts(collector), before);
  client.setConsent({ measurement: "granted" });
  assert.notEqual(client.visitorId(), visitor);
  await client.close();
});

test("a page that was put aside while another tab denied finds its record gone, and takes that for the denial", async () => {
  const here = page();
  try {
    const { client, collector, storage } = await visit(all);
    const answers = [];
    client.on("consent", (consent) => answers.push(consent));
    here.thaw();
    assert.equal(client.variant("hero").source, "sticky");
    here.go();
    ["visitor", "memory", "snapshot"].forEach((name) => storage.local.removeItem(`tiltwise.${name}`));
    const before = posts(collector);
    here.thaw();
    assert.deepEqual(answers, [{ measurement: "denied", personalization: "granted" }]);
    assert.equal(client.variant("hero").source, "consent");
    client.track("after");
    await client.close();
    assert.deepEqual(kept(storage), []);
    assert.equal(posts(collector), before);
  } finally {
    here.end();
  }
});

test("a record that somebody has erased is not written back by a page that goes on", async () => {
  const { client, storage } = await visit(all);
  ["visitor", "memory", "snapshot"].forEach((name) => storage.local.removeItem(`tiltwise.${name}`));
  client.variant("checkout");
  await client.flush();
  assert.deepEqual(kept(storage), ["tiltwise.session"]);
  await client.close();
});

test("denied personalization sends no attribute and says so", async () => {
  const { client, collector, storage } = await visit({ measurement: "granted", personalization: "denied" });
  const exposures = collector.events.filter((e) => e.exposure);
  assert.deepEqual(exposures.map((e) => e.slots), [0]);
  assert.ok(collector.batches.every((b) => b.unpersonalized));
  assert.ok(!JSON.stringify([...storage.local.items]).includes(Buffer.from("phone").toString("hex")));
  await client.close();
});

test("granted personalization sends the active slots", async () => {
  const { client, collector } = await visit(all);
  assert.ok(collector.events[0].slots > 0);
  assert.ok(collector.batches.every((b) => !b.unpersonalized));
  await client.close();
});

test("Global Privacy Control denies personalization where the snapshot says so", async () => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { globalPrivacyControl: true }, configurable: true });
  try {
    const { client, collector } = await visit(all);
    const { gpcLimits } = await import("./kit/golden.mjs");
    assert.equal(collector.events[0].slots > 0, !gpcLimits("shop"));
    await client.close();
  } finally {
    if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
    else delete globalThis.navigator;
  }
});
