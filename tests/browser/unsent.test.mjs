// What nobody has acknowledged when a page is left offline: the next page sends it, and it counts once.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { batch } from "../../wasm-pkg/test/kit/batch.mjs";
import { until } from "./kit/until.mjs";
import { DENIED, GRANTED, NOTHING, World, stored } from "./kit/world.mjs";

const UNSENT = /^tiltwise\.unsent\./;
const unsent = async (page) => Object.keys((await stored(page)).local).filter((name) => UNSENT.test(name));
const flush = (page) => page.evaluate(() => client.flush());

describe("a page that is closed offline", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  const tab = async (options = {}) => {
    const page = await world.visit(person, { consent: GRANTED, ...options });
    await page.evaluate(() => client.ready());
    return page;
  };
  const close = async (page) => {
    await page.close({ runBeforeUnload: true });
    if (!page.isClosed()) await page.waitForEvent("close");
  };
  /**
   * Closes pages at a door that is shut, and opens it when all that they had under way has been turned away: the request of
   * another page, made after that, has.
   *
   * Not by the browser's own switch: that one ends with the page, and lets through what outlives it.
   */
  const closeOffline = async (...pages) => {
    await Promise.all(pages.map(close));
    const last = await person.newPage();
    await assert.rejects(last.goto(`${world.door.url}/healthz`));
    await last.close();
    world.door.isShut = false;
  };
  /** A page that shows something and tracks twice where there is no network, and is closed there. */
  const lost = async (name) => {
    const page = await tab();
    await flush(page);
    world.door.isShut = true;
    await page.evaluate(async (name) => {
      const failed = new Promise((resolve) => client.on("error", ({ message }) => /batch/.test(message) && resolve()));
      client.variant("hero");
      client.track(name, { value: 3 });
      await failed;
      client.track(name, { value: 4 });
    }, name);
    await closeOffline(page);
  };
  /** The values of the outcomes of this name in the log. */
  const values = async (name) => {
    const log = await world.collector.log();
    return log.filter(({ outcome }) => outcome?.name === name).map(({ outcome }) => outcome.valueMicros / 1e6).sort();
  };
  const sent = (name) => world.door.batches.filter((body) => batch(body).events.some(({ outcome }) => outcome === name));
  /** A page of the site without a client. */
  const still = async () => {
    const page = await person.newPage();
    await page.goto(`${world.site.origin}/golden.html`);
    return page;
  };

  test("loses nothing: the next page sends what it held, once, and keeps it no longer", async () => {
    person = await world.person();
    const before = (await world.collector.log()).length;
    await lost("gone");
    assert.deepEqual(sent("gone"), []);
    const page = await tab();
    await flush(page);
    assert.deepEqual(await values("gone"), [3, 4]);
    assert.deepEqual(await unsent(page), []);
    const mine = (await world.collector.log()).slice(before);
    assert.equal(mine.filter(({ exposure }) => exposure).length, 1);
    assert.equal(new Set(mine.map(({ unit }) => unit)).size, 1);
    const copies = sent("gone").length;
    await close(page);
    await flush(await tab());
    assert.equal(sent("gone").length, copies, "what was acknowledged is not sent again");
    assert.deepEqual(await values("gone"), [3, 4]);
  });

  test("and a second one: two pages that open at once may both send it, and it counts once", async () => {
    person = await world.person();
    await lost("first");
    await lost("second");
    const pages = await Promise.all([tab(), tab()]);
    await Promise.all(pages.map(flush));
    assert.deepEqual(await values("first"), [3, 4]);
    assert.deepEqual(await values("second"), [3, 4]);
    assert.deepEqual(await unsent(pages[0]), []);
  });

  test("two tabs that are closed offline do not write over each other's", async () => {
    person = await world.person();
    const pages = [await tab({ flushIntervalMs: 3_600_000 }), await tab({ flushIntervalMs: 3_600_000 })];
    world.door.isShut = true;
    for (const [value, page] of pages.entries()) await page.evaluate((value) => client.track("both", { value }), value);
    await closeOffline(...pages);
    await flush(await tab());
    assert.deepEqual(await values("both"), [0, 1]);
  });

  test("and withdraws before it is back: what was kept is erased, and never sent", async () => {
    person = await world.person();
    await lost("withdrawn");
    const page = await tab({ consent: DENIED });
    assert.deepEqual(await stored(page), NOTHING);
    await page.evaluate((granted) => client.setConsent(granted), GRANTED);
    await flush(page);
    assert.deepEqual(sent("withdrawn"), []);
  });

  test("and is asked again: nothing is sent before an answer, and what attributes shaped not before that to them", async () => {
    person = await world.person();
    await lost("asked");
    const page = await tab({ consent: {} });
    assert.equal((await unsent(page)).length > 0, true);
    await page.evaluate(() => client.setConsent({ measurement: "granted" }));
    await flush(page);
    assert.deepEqual(sent("asked"), []);
    await page.evaluate(() => client.setConsent({ personalization: "granted" }));
    await flush(page);
    assert.deepEqual(await values("asked"), [3, 4]);
  });

  test("and denies personalization: what attributes may have shaped is erased", async () => {
    person = await world.person();
    await lost("personal");
    const page = await tab({ consent: { measurement: "granted", personalization: "denied" } });
    await flush(page);
    assert.deepEqual(sent("personal"), []);
    assert.deepEqual(await unsent(page), []);
  });

  test("for longer than a day: it is erased instead", async () => {
    person = await world.person();
    await lost("old");
    const page = await still();
    await page.evaluate(() => {
      for (const name of Object.keys(localStorage).filter((name) => name.startsWith("tiltwise.unsent."))) {
        const [kept, ...rest] = localStorage[name].split(" ");
        localStorage[name] = [Number(kept) - 86_400_000, ...rest].join(" ");
      }
    });
    assert.notDeepEqual(await unsent(page), []);
    await page.close();
    const next = await tab();
    await flush(next);
    assert.deepEqual(await unsent(next), []);
    assert.deepEqual(sent("old"), []);
  });

  test("where storage is full: all goes on without", async () => {
    person = await world.person();
    await person.addInitScript(() => {
      const { setItem } = Storage.prototype;
      Storage.prototype.setItem = function (name, ...rest) {
        if (name.startsWith("tiltwise.unsent.")) throw new DOMException("full", "QuotaExceededError");
        return setItem.call(this, name, ...rest);
      };
    });
    await lost("full");
    const page = await tab();
    await page.evaluate(() => {
      client.track("goes on");
      return client.flush();
    });
    assert.deepEqual(await values("full"), []);
    assert.deepEqual(await values("goes on"), [0]);
    assert.deepEqual(await page.evaluate(() => seen.errors), []);
  });

  test("a hidden page that is heard of keeps nothing", async () => {
    person = await world.person();
    const page = await tab({ flushIntervalMs: 3_600_000 });
    // Looked at in the same turn: the answer may be there in the next.
    const kept = await page.evaluate(() => {
      client.track("heard");
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      return Object.keys(localStorage).filter((name) => name.startsWith("tiltwise.unsent."));
    });
    assert.equal(kept.length, 1);
    await until("the answer", async () => (await unsent(page)).length === 0);
    assert.deepEqual(await values("heard"), [0]);
  });
});
