// Which snapshots a page believes: what was changed on the way, signed by another or is older is not used.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { fields } from "../../wasm-pkg/test/kit/batch.mjs";
import { EXPERIMENTS } from "./kit/experiments.mjs";
import { until } from "./kit/until.mjs";
import { GRANTED, World } from "./kit/world.mjs";

const NEWEST = "/v1/snapshot";
const BY_HASH = "/v1/snapshots/{hash}";

/** The version that a sealed snapshot names: its field 4. */
const versionOf = (sealed) => fields(sealed).find(([number]) => number === 4)[1];
/** One bit of the byte at this place is another one. */
const flip = (at) => (body) => {
  const changed = Buffer.from(body);
  changed[changed.length + at] ^= 1;
  return changed;
};

describe("trust", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => {
    world.door.tamper.clear();
    return person?.close();
  });

  const refused = (page) => page.waitForFunction(() => seen.errors.find(({ code }) => code === "snapshot")?.message);
  const source = (page) => page.evaluate(() => client.variant("hero").source);
  const newest = async () => Buffer.from(await (await fetch(`${world.collector.url}${NEWEST}`)).arrayBuffer());
  const versions = async (page) => (await page.evaluate(() => seen.updates)).map(({ version }) => version);

  test("a snapshot with a flipped bit is refused, and the genuine one is taken as soon as it comes", async () => {
    person = await world.person();
    world.door.tamper.set(NEWEST, flip(-1));
    const page = await world.visit(person, { consent: { measurement: "pending" } });
    assert.match(await (await refused(page)).jsonValue(), /signature or hash/);
    assert.equal(await source(page), "fallback");
    world.door.tamper.clear();
    assert.equal(await page.evaluate(() => client.ready()), true);
    assert.equal(await source(page), "model");
    // The browser's cache holds the damaged one: asked whether it is the newest, the collector would say that it is.
    const [, second] = world.door.requests.filter(({ path }) => path === NEWEST);
    assert.equal(second.headers["if-none-match"], undefined);
    assert.equal(second.headers["cache-control"], "no-cache");
  });

  test("a snapshot that another key signed is refused", async () => {
    person = await world.person();
    const { publicKey } = generateKeyPairSync("ed25519");
    const other = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
    const page = await world.visit(person, { consent: GRANTED, publicKeys: [other] });
    assert.match(await (await refused(page)).jsonValue(), /signature or hash/);
    assert.equal(await source(page), "fallback");
    assert.deepEqual(await versions(page), []);
  });

  test("of two keys that came with the page either will do", async () => {
    person = await world.person();
    const { publicKey } = generateKeyPairSync("ed25519");
    const other = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
    const page = await world.visit(person, { publicKeys: [other, ...world.collector.publicKeys] });
    assert.equal(await page.evaluate(() => client.ready()), true);
    assert.deepEqual(await page.evaluate(() => seen.updates.map(({ verified }) => verified)), [true]);
  });

  test("announced content with a flipped bit is refused, and the one in use stays in use", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await page.evaluate(() => client.ready());
    world.door.tamper.set(BY_HASH, flip(-1));
    await world.collector.edit(EXPERIMENTS.replace('"Welcome"', '"Hello"'));
    assert.match(await (await refused(page)).jsonValue(), /signature or hash/);
    assert.equal(await source(page), "model");
    world.door.tamper.clear();
    const before = (await versions(page)).length;
    await world.collector.edit(EXPERIMENTS.replace('"Welcome"', '"Good morning"'));
    await page.waitForFunction((before) => seen.updates.length > before, before);
  });

  test("a snapshot older than the one in use is ignored", async () => {
    person = await world.person();
    const old = await newest();
    await world.collector.edit(EXPERIMENTS.replace('"Welcome"', '"Good evening"'));
    const young = await until("a newer snapshot", async () => {
      const young = await newest();
      return versionOf(young) > versionOf(old) && young;
    });
    world.door.tamper.set(NEWEST, () => old);
    const page = await world.visit(person, { consent: GRANTED, bootstrap: young.toString("base64") });
    assert.equal(await source(page), "bootstrap");
    await page.waitForFunction(() => seen.updates.length > 0);
    assert.equal((await versions(page))[0], String(versionOf(young)));
    // News through the stream comes after the old one, which was asked for first.
    await world.collector.edit(EXPERIMENTS.replace('"Welcome"', '"Good night"'));
    await page.waitForFunction(() => seen.updates.length > 1);
    assert.ok(!(await versions(page)).includes(String(versionOf(old))));
    assert.deepEqual(await page.evaluate(() => seen.errors), []);
  });
});
