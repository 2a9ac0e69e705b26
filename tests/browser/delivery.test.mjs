// What happened in a page arrives: after a time without a network, from a page that is left, and without a preflight.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { GRANTED, World } from "./kit/world.mjs";

/** Longer than any test: what arrives was not sent because its time had come. */
const NEVER_MS = 3_600_000;

describe("delivery", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  /** The values of the outcomes of this name in the log, as soon as there are so many. */
  const values = async (name, count) => {
    const named = (events) => events.filter(({ outcome }) => outcome?.name === name);
    const log = await world.collector.logged(`${count} ${name}`, (events) => named(events).length >= count);
    return named(log).map(({ outcome }) => outcome.valueMicros / 1e6);
  };
  const noPreflight = () => assert.deepEqual(world.door.lines.filter((line) => line.startsWith("OPTIONS")), []);

  test("offline, then online: everything that happened meanwhile is in the log, once", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await page.evaluate(() => client.ready());
    await page.evaluate(() => {
      client.track("step", { value: 1 });
      return client.flush();
    });
    await person.setOffline(true);
    const shown = await page.evaluate(async () => {
      const failed = new Promise((resolve) => client.on("error", resolve));
      const shown = client.variant("hero");
      for (const value of [2, 3, 4]) client.track("step", { value });
      await failed;
      client.track("step", { value: 5 });
      return shown;
    });
    assert.equal(shown.source, "model", "deciding needs no network");
    await person.setOffline(false);
    assert.deepEqual((await values("step", 5)).sort(), [1, 2, 3, 4, 5]);
    await page.evaluate(() => client.flush());
    await world.left(person, page);
    assert.deepEqual((await values("step", 5)).sort(), [1, 2, 3, 4, 5]);
    const log = await world.collector.log();
    assert.equal(log.filter(({ exposure }) => exposure).length, 1);
    noPreflight();
  });

  test("the last event of a page that goes elsewhere arrives, from another origin and without a preflight", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED, flushIntervalMs: NEVER_MS });
    await page.evaluate(() => client.ready());
    await page.evaluate(() => {
      document.addEventListener("click", () => {
        client.track("leave", { value: 7 });
        location.href = "about:blank";
      });
      document.documentElement.click();
    });
    await page.waitForURL("about:blank");
    assert.deepEqual(await values("leave", 1), [7]);
    const post = world.door.requests.find(({ method }) => method === "POST");
    assert.equal(post.headers.origin, world.site.origin);
    assert.equal(post.headers["sec-fetch-site"], "cross-site");
    noPreflight();
  });

  test("the last event of a tab that is closed arrives, with the exposure before it", async () => {
    person = await world.person();
    const before = (await world.collector.log()).length;
    const page = await world.visit(person, { consent: GRANTED, flushIntervalMs: NEVER_MS });
    await page.evaluate(() => client.ready());
    await page.evaluate(() => {
      client.variant("hero");
      client.track("close", { value: 8 });
    });
    await page.close({ runBeforeUnload: true });
    assert.deepEqual(await values("close", 1), [8]);
    const mine = (await world.collector.log()).slice(before);
    assert.deepEqual(mine.map(({ outcome }) => outcome?.name ?? "exposure").sort(), ["close", "exposure"]);
    noPreflight();
  });

  test("where a request ends with its page a beacon carries the last event, without a preflight too", async () => {
    person = await world.person();
    await person.addInitScript(() => {
      delete Request.prototype.keepalive;
      const { sendBeacon } = Navigator.prototype;
      Navigator.prototype.sendBeacon = function (...said) {
        sessionStorage.beacons = Number(sessionStorage.beacons ?? 0) + 1;
        return sendBeacon.apply(this, said);
      };
    });
    const page = await world.visit(person, { consent: GRANTED, flushIntervalMs: NEVER_MS });
    await page.evaluate(() => client.ready());
    await page.evaluate(() => {
      client.track("beacon", { value: 9 });
      location.reload();
    });
    assert.deepEqual(await values("beacon", 1), [9]);
    await page.waitForFunction(() => globalThis.client && sessionStorage.beacons === "1");
    noPreflight();
  });

  test("what a hidden page sent, and its return sends again, counts once", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED, flushIntervalMs: NEVER_MS });
    await page.evaluate(() => client.ready());
    await page.evaluate(() => {
      const become = (state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      };
      client.track("pause", { value: 1 });
      become("hidden");
      become("visible");
      client.track("pause", { value: 2 });
      become("hidden");
    });
    assert.deepEqual((await values("pause", 2)).sort(), [1, 2]);
  });

  test("the door would have seen a preflight", async () => {
    person = await world.person();
    const page = await world.visit(person);
    await page.evaluate((url) => fetch(url, { headers: { "x-other": "1" } }).catch(() => undefined), `${world.door.url}/healthz`);
    assert.ok(world.door.lines.includes("OPTIONS /healthz"));
  });
});
