// Which snapshots are used, and which are not.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { createClient } from "tiltwise";
import { createClient as createInWorker } from "tiltwise/worker";
import { Collector } from "./kit/collector.mjs";
import { content } from "./kit/golden.mjs";
import { publicKey, sealed } from "./kit/seal.mjs";

const consent = { measurement: "granted", personalization: "granted" };
const stranger = generateKeyPairSync("ed25519").privateKey;
const forged = sealed(content("shop"), { key: stranger });

/** The first thing that a client says of the collector's snapshot. */
async function firstWord(snapshot, options = {}, create = createClient) {
  const collector = new Collector();
  collector.snapshot = snapshot;
  const client = create(collector.options({ consent, stream: false, ...options }));
  const word = await new Promise((resolve) => {
    client.on("update", (update) => resolve(update.verified ? "verified" : "unverified"));
    client.on("error", (error) => resolve(error.message));
  });
  const { source } = client.variant("hero");
  await client.close();
  return [word, source];
}

test("a snapshot signed with one of two keys is verified", async () => {
  const other = new Uint8Array(32).fill(7);
  const keys = [Buffer.from(other).toString("hex"), Buffer.from(publicKey).toString("base64")];
  assert.deepEqual(await firstWord(sealed(content("shop")), { publicKeys: keys }), ["verified", "model"]);
});

test("a snapshot that a stranger signed is not used", async () => {
  const [word, source] = await firstWord(forged);
  assert.match(word, /wrong signature/);
  assert.equal(source, "fallback");
});

test("content with one byte changed is not used", async () => {
  const damaged = sealed(content("shop"));
  damaged[damaged.length - 1] ^= 1;
  assert.match((await firstWord(damaged))[0], /wrong signature or hash/);
});

test("an expired snapshot is not taken, and one in use goes on", async () => {
  const [word, source] = await firstWord(sealed(content("shop"), { expires: Date.now() - 1 }));
  assert.match(word, /expired/);
  assert.equal(source, "fallback");
});

test("garbage is no snapshot", async () => {
  assert.match((await firstWord(new TextEncoder().encode("<html>login please</html>")))[0], /no snapshot/);
  assert.match((await firstWord(sealed(content("shop")).slice(0, 90)))[0], /no snapshot|wrong signature/);
});

test("without keys a snapshot is used and marked unverified, or refused where a signature is required", async () => {
  const unsigned = { publicKeys: [] };
  assert.deepEqual(await firstWord(sealed(content("shop")), unsigned), ["unverified", "model"]);
  assert.match((await firstWord(sealed(content("shop")), { ...unsigned, requireSignature: true }))[0], /cannot be verified/);
  assert.match((await firstWord(sealed(content("shop")), unsigned, createInWorker))[0], /cannot be verified/);
});

test("an announced snapshot is verified too, and an older one is ignored", async () => {
  const collector = new Collector();
  collector.snapshot = sealed(content("shop"), { version: 5n });
  const client = createClient(collector.options({ consent }));
  await client.ready();
  await collector.until((c) => c.streams === 1);
  const said = [];
  client.on("update", ({ version }) => said.push(version));
  client.on("error", ({ code }) => said.push(code));
  const next = () => new Promise((resolve) => {
    const off = [client.on("update", done), client.on("error", done)];
    function done() { off.forEach((f) => f()); resolve(); }
  });
  let heard = next();
  collector.announce(content("burn-in"), { version: 4n });
  collector.announce(content("burn-in"), { version: 6n, key: stranger });
  await heard;
  heard = next();
  collector.announce(content("burn-in"), { version: 7n });
  await heard;
  assert.deepEqual(said, ["snapshot", "7"]);
  await client.close();
});

test("a bootstrap with a wrong signature is used like the page it came with, and reported", async () => {
  const collector = new Collector();
  collector.offline = true;
  const client = createClient(collector.options({ consent, bootstrap: forged }));
  assert.equal(client.variant("hero").source, "bootstrap");
  const error = await new Promise((resolve) => client.on("error", (e) => e.code === "snapshot" && resolve(e.message)));
  assert.match(error, /wrong signature/);
  await client.close();
});
