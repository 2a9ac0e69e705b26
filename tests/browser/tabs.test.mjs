// A no in one tab is a no in all of them: storage and requests of two tabs of one person are looked at.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { batch } from "../../wasm-pkg/test/kit/batch.mjs";
import { DENIED, GRANTED, NOTHING, World, stored } from "./kit/world.mjs";

const NEVER_MS = 3_600_000;
const answer = (page, consent) => page.evaluate((consent) => client.setConsent(consent), consent);
const choose = (page, key) => page.evaluate((key) => client.variant(key), key);
/** Resolves with the answers that hold in this tab once another has changed them. */
const heard = (page) => page.evaluate(() => new Promise((resolve) => client.on("consent", resolve)));

describe("two tabs", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  /** A tab that is ready. Everything that is ever written in it is kept in `written`. */
  const tab = async (options) => {
    const page = await world.visit(person, options);
    await page.evaluate(() => client.ready());
    return page;
  };
  const watched = async () => {
    const person = await world.person();
    await person.addInitScript(() => {
      globalThis.written = [];
      const { setItem } = Storage.prototype;
      Storage.prototype.setItem = function (...said) {
        written.push(said[0]);
        return setItem.apply(this, said);
      };
    });
    return person;
  };
  const written = (page) => page.evaluate(() => written.splice(0));

  test("a withdrawal in one reaches the other at once: the control, nothing held or stored, nothing sent any more", async () => {
    person = await watched();
    const here = await tab({ consent: GRANTED });
    await choose(here, "hero");
    await here.evaluate(() => client.flush());
    const there = await tab({ consent: GRANTED, flushIntervalMs: NEVER_MS });
    await choose(there, "checkout");
    await there.evaluate(() => client.track("held"));
    await world.door.until((door) => door.lines.filter((line) => line === "GET /v1/stream").length === 2);
    assert.notDeepEqual(await stored(there), NOTHING);
    const ended = there.waitForEvent("requestfailed", (request) => request.url().endsWith("/v1/stream"));
    const news = heard(there);
    await Promise.all([written(here), written(there)]);
    const requests = world.door.requests.length;
    await answer(here, DENIED);
    assert.deepEqual(await news, DENIED);
    await ended;
    for (const page of [here, there]) {
      assert.deepEqual(await stored(page), NOTHING);
      const { source, key } = await choose(page, "checkout");
      assert.deepEqual([source, key], ["consent", "green"]);
      assert.equal(await page.evaluate(() => client.visitorId()), null);
      await page.evaluate(() => {
        client.track("after");
        return client.flush();
      });
      assert.deepEqual(await written(page), [], "nor is the denial itself stored, not for an instant");
    }
    await world.left(person, there);
    await world.left(person, here);
    assert.deepEqual(world.door.lines.slice(requests), []);
  });

  test("a denial reaches a tab whose own answer is still pending, with all that it holds in memory", async () => {
    person = await watched();
    const [here, there] = [await tab({}), await tab({})];
    assert.equal((await choose(there, "hero")).source, "model");
    await there.evaluate(() => client.track("signup"));
    const news = heard(there);
    await answer(here, DENIED);
    await news;
    assert.equal((await choose(there, "hero")).source, "consent");
    // A change of mind in this tab does not bring back what was held.
    await answer(there, GRANTED);
    await there.evaluate(() => {
      client.track("later");
      return client.flush();
    });
    assert.deepEqual(world.door.batches.flatMap((body) => batch(body).events.map((event) => event.outcome)), ["later"]);
  });

  test("who opens a tab that is told no takes it back in the tabs that are open", async () => {
    person = await watched();
    const there = await tab({ consent: GRANTED });
    const news = heard(there);
    await tab({ consent: DENIED });
    assert.deepEqual(await news, DENIED);
    assert.deepEqual(await stored(there), NOTHING);
  });

  test("personalization that is denied in one is denied in the other, and measurement goes on", async () => {
    person = await watched();
    const [here, there] = [await tab({ consent: GRANTED }), await tab({ consent: GRANTED })];
    const news = heard(there);
    await answer(here, { personalization: "denied" });
    assert.deepEqual(await news, { measurement: "granted", personalization: "denied" });
    await choose(there, "hero");
    await there.evaluate(() => client.flush());
    const sent = world.door.batches.map(batch);
    assert.ok(sent.length > 0 && sent.every((one) => one.unpersonalized && one.events.every((event) => !event.slots)));
  });

  test("a yes in one is not taken for a yes in the other, which stays pending until its own page says so", async () => {
    person = await watched();
    const [here, there] = [await tab({}), await tab({})];
    await answer(here, GRANTED);
    await choose(here, "hero");
    await here.evaluate(() => client.flush());
    const requests = world.door.batches.length;
    assert.equal((await choose(there, "checkout")).source, "model");
    await there.evaluate(() => {
      client.track("signup");
      return client.flush();
    });
    assert.equal(await there.evaluate(() => client.visitorId()), null);
    assert.deepEqual(await written(there), []);
    assert.equal(world.door.batches.length, requests);
    await answer(there, GRANTED);
    await there.evaluate(() => client.flush());
    assert.ok(world.door.batches.length > requests);
  });

  test("no, and yes after all: what the tab stores then is not erased by the others, which stay with the no", async () => {
    person = await watched();
    const here = await tab({ consent: GRANTED });
    await choose(here, "hero");
    await here.evaluate(() => client.flush());
    const there = await tab({ consent: GRANTED });
    await choose(there, "hero");
    const before = await here.evaluate(() => client.visitorId());
    const news = heard(there);
    await here.evaluate(
      async ([no, yes]) => {
        client.setConsent(no);
        client.setConsent(yes);
        await client.flush();
      },
      [DENIED, GRANTED],
    );
    assert.deepEqual(await news, DENIED);
    const now = await here.evaluate(() => client.visitorId());
    assert.notEqual(now, before);
    assert.equal((await stored(here)).local["tiltwise.visitor"], now);
    assert.equal((await choose(there, "hero")).source, "consent");
  });
});
