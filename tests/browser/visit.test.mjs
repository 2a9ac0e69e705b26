// A person's visits: the first, the next, and two at once.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { POLICY } from "./kit/site.mjs";
import { GRANTED, World } from "./kit/world.mjs";

/** Chooses and says what was shown. */
const shown = (page, key) => page.evaluate((key) => client.variant(key, { fallback: "…" }), key);
const visitorOf = (page) => page.evaluate(() => client.visitorId());

describe("a person visits", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  test("on the first visit a variant is chosen and its exposure reaches the log", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    assert.equal(await page.evaluate(() => client.ready()), true);
    const hero = await shown(page, "hero");
    assert.equal(hero.source, "model");
    assert.ok(["calm", "bold", "kind"].includes(hero.key));
    await page.evaluate(() => {
      client.track("signup");
      return client.flush();
    });
    const log = await world.collector.logged("two events", (events) => events.length === 2);
    const [exposure, signup] = log;
    assert.equal(exposure.exposure.model, hero.modelVersion);
    assert.equal(exposure.exposure.propensitiesQ30[exposure.exposure.arm] / 2 ** 30, hero.propensity);
    assert.equal(exposure.quarantine, 0, "the collector made the same decision");
    assert.equal(signup.outcome.name, "signup");
    assert.equal(signup.unit, exposure.unit);
    assert.deepEqual(await page.evaluate(() => seen.updates.map((update) => update.verified)), [true]);
    assert.deepEqual(await page.evaluate(() => seen.errors), []);
  });

  test("a policy that allows scripts of its own and wasm, and nothing else, is enough", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    const answer = await page.request.get(page.url());
    assert.equal(answer.headers()["content-security-policy"], POLICY);
    await page.evaluate(() => client.ready());
    assert.equal((await shown(page, "hero")).source, "model");
    const explained = await page.evaluate(() => client.explain("hero"));
    assert.equal(explained.experiment, "hero");
    assert.deepEqual(await page.evaluate(() => seen.violations), []);
  });

  test("the policy is in force: without 'wasm-unsafe-eval' the module cannot start", async () => {
    person = await world.person();
    world.site.policy = "script-src 'self'";
    try {
      const page = await world.visit(person);
      assert.match(await page.evaluate(() => globalThis.failed), /wasm-unsafe-eval|Content Security Policy/);
    } finally {
      world.site.policy = POLICY;
    }
  });

  test("a reload keeps the visitor and what was shown, and exposes nothing twice", async () => {
    person = await world.person();
    const before = (await world.collector.log()).length;
    const page = await world.visit(person, { consent: GRANTED });
    await page.evaluate(() => client.ready());
    const [hero, visitor] = [await shown(page, "hero"), await visitorOf(page)];
    await page.evaluate(() => client.flush());
    await page.reload();
    await page.waitForFunction(() => globalThis.client);
    assert.equal(await visitorOf(page), visitor);
    // At once: the snapshot was kept too.
    assert.deepEqual(await shown(page, "hero"), { ...hero, source: "sticky" });
    await page.evaluate(() => {
      client.track("signup");
      return client.flush();
    });
    const log = await world.collector.logged("the outcome after the reload", (events) => events.at(-1)?.outcome);
    const mine = log.slice(before);
    assert.deepEqual(mine.map(({ outcome }) => outcome?.name ?? "exposure"), ["exposure", "signup"]);
    assert.equal(mine[0].unit, mine[1].unit);
  });

  test("two tabs share the visitor and what was shown, whichever showed it first", async () => {
    person = await world.person();
    const first = await world.visit(person, { consent: GRANTED });
    await first.evaluate(() => client.ready());
    const hero = await shown(first, "hero");
    await first.evaluate(() => client.flush());
    const second = await world.visit(person, { consent: GRANTED });
    await second.evaluate(() => client.ready());
    assert.equal(await visitorOf(second), await visitorOf(first));
    assert.deepEqual(await shown(second, "hero"), { ...hero, source: "sticky" });
    const heard = first.evaluate(() => new Promise((resolve) => addEventListener("storage", () => setTimeout(resolve), { once: true })));
    const checkout = await shown(second, "checkout");
    await heard;
    assert.deepEqual(await shown(first, "checkout"), { ...checkout, source: "sticky" });
  });

  test("a login changes nothing that is shown", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await page.evaluate(() => client.ready());
    const keys = ["hero", "badge", "checkout"];
    const before = await page.evaluate((keys) => keys.map((key) => client.variant(key)), keys);
    const visitor = await visitorOf(page);
    assert.equal((await shown(page, "plan")).source, "ineligible");
    await page.evaluate(() => client.identify("ada@shop.example"));
    const later = await page.evaluate((keys) => keys.map((key) => client.variant(key)), keys);
    assert.deepEqual(later, before.map((variant) => ({ ...variant, source: "sticky" })));
    assert.equal(await visitorOf(page), visitor);
    assert.equal((await shown(page, "plan")).source, "model");
    await page.reload();
    await page.waitForFunction(() => globalThis.client);
    assert.deepEqual(await page.evaluate((keys) => keys.map((key) => client.variant(key)), keys), later);
  });
});
