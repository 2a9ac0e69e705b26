// The sample shop as a visitor meets it: its banner, its pages, and what they keep and send.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { batch } from "../../wasm-pkg/test/kit/batch.mjs";
import { SHOP } from "./kit/site.mjs";
import { NOTHING, World, stored } from "./kit/world.mjs";

const EXPERIMENTS = new URL("../../web-demo/experiments.toml", import.meta.url);

describe("the shop", () => {
  let world, person, page;
  before(async () => {
    world = await World.make({ experiments: await readFile(EXPERIMENTS, "utf8"), pages: SHOP });
    const config = { url: world.door.url, publicKeys: world.collector.publicKeys };
    world.site.made.set("/config.js", `window.__TILTWISE__ = ${JSON.stringify(config)};`);
  });
  after(() => world?.end());

  beforeEach(async () => {
    person = await world.person();
    page = await person.newPage();
    await page.goto(`${world.site.origin}/index.html?country=US`);
  });
  afterEach(() => person.close());

  const hero = async () => {
    await page.waitForSelector("[data-hero]:not([aria-busy])");
    return page.$eval("[data-hero]", ({ dataset: { variant, source } }) => ({ variant, source }));
  };
  const flush = () => page.evaluate(() => tiltwise.flush());
  /** What came, once: a page that did not hear of the last page's last batch sends it again. */
  const sent = () => {
    const batches = new Map(world.door.batches.map(batch).map((one) => [`${one.session} ${one.sequence}`, one]));
    return [...batches.values()].flatMap(({ events }) => events.map((event) => event.outcome ?? "exposure"));
  };

  test("works before anybody answers its banner, keeps nothing, and asks for the snapshot alone", async () => {
    assert.equal((await hero()).source, "model");
    await page.click("[data-test=signup]");
    await flush();
    assert.ok(await page.isVisible("[data-test=consent]"));
    assert.deepEqual(await stored(page), NOTHING);
    assert.deepEqual(world.door.lines, ["GET /v1/snapshot"]);
  });

  test("after 'Accept all' it sends what was shown and done, on every page", async () => {
    const shown = await hero();
    await page.click("[data-test=signup]");
    await page.click("[data-test=consent-accept]");
    await flush();
    assert.deepEqual(sent().sort(), ["exposure", "signup"]);
    await page.click("[data-test^=lamp-]");
    await page.click("[data-test=add-to-cart]");
    await page.waitForSelector("[data-test=buy]:visible");
    await flush();
    assert.deepEqual(sent().sort(), ["add_to_cart", "exposure", "exposure", "exposure", "signup"]);
    assert.equal(await page.isVisible("[data-test=consent]"), false, "nobody is asked twice");
    await page.goto(`${world.site.origin}/index.html?country=US`);
    assert.deepEqual(await hero(), { ...shown, source: "sticky" });
  });

  test("after 'Deny' everybody sees the control, and only the answer is kept", async () => {
    await page.click("[data-test=consent-deny]");
    await page.reload();
    assert.deepEqual(await hero(), { variant: "calm", source: "consent" });
    await page.click("[data-test=signup]");
    await flush();
    assert.deepEqual(await stored(page), { ...NOTHING, local: { "shop.consent": "denied" } });
    assert.deepEqual(sent(), []);
  });

  test("what is denied in one tab is not asked again in the others", async () => {
    const other = await person.newPage();
    await other.goto(page.url());
    await other.waitForSelector("[data-test=consent]");
    await page.click("[data-test=consent-deny]");
    await other.waitForSelector("[data-test=consent]", { state: "detached" });
    assert.equal(await other.evaluate(() => tiltwise.variant("hero").source), "consent");
  });

  test("after 'Withdraw consent' only the answer is kept", async () => {
    await hero();
    await page.click("[data-test=consent-accept]");
    await flush();
    assert.ok((await stored(page)).local["tiltwise.visitor"]);
    await page.click("[data-test=consent-withdraw]");
    assert.deepEqual(await stored(page), { ...NOTHING, local: { "shop.consent": "denied" } });
  });
});
