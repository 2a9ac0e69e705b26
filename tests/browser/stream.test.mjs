// An open page hears of new snapshots, whatever becomes of the collector meanwhile.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { EXPERIMENTS } from "./kit/experiments.mjs";
import { GRANTED, World } from "./kit/world.mjs";

describe("an open page", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  const streams = () => world.door.lines.filter((line) => line === "GET /v1/stream").length;
  /** Opens a page that listens. */
  const listening = async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await page.evaluate(() => client.ready());
    await world.door.until(() => streams() > 0);
    return page;
  };
  /** A value that nobody has seen yet reaches the page's next choice. */
  const hears = async (page, colour) => {
    await world.collector.edit(EXPERIMENTS.replaceAll(/colour = "\w+"/g, `colour = "${colour}"`));
    await page.waitForFunction((colour) => {
      client.reset();
      return client.variant("checkout").value.colour === colour;
    }, colour);
  };
  const versions = async (page) => (await page.evaluate(() => seen.updates)).map(({ version }) => BigInt(version));

  test("hears of an edited experiment, and what it shows already stays", async () => {
    const page = await listening();
    const shown = await page.evaluate(() => client.variant("hero"));
    await world.collector.edit(EXPERIMENTS.replace('"Three plans"', '"Four plans"'));
    const [before] = await versions(page);
    await page.waitForFunction((before) => seen.updates.some(({ version }) => BigInt(version) > BigInt(before)), String(before));
    assert.deepEqual(await page.evaluate(() => client.variant("hero")), { ...shown, source: "sticky" });
    assert.ok(await page.evaluate(() => seen.updates.every(({ verified }) => verified)));
    await hears(page, "blue");
  });

  for (const [what, how] of [["stopped", "stop"], ["crashed", "crash"]]) {
    test(`hears again by itself after the collector ${what} and was started again, and has lost nothing`, async () => {
      const page = await listening();
      await world.collector[how]();
      await page.evaluate(async (name) => {
        const failed = new Promise((resolve) => client.on("error", resolve));
        client.track(name);
        await failed;
      }, `meanwhile_${how}`);
      assert.notEqual(await page.evaluate(() => client.variant("hero").key), null, "deciding needs no collector");
      const before = streams();
      await world.collector.serve();
      await world.door.until(() => streams() > before);
      await hears(page, how);
      const all = await versions(page);
      assert.deepEqual(all, [...new Set(all)].sort((a, b) => (a < b ? -1 : 1)), "versions only grow");
      const named = (events) => events.filter(({ outcome }) => outcome?.name === `meanwhile_${how}`);
      assert.equal(named(await world.collector.logged("what happened meanwhile", (events) => named(events).length > 0)).length, 1);
    });
  }
});
