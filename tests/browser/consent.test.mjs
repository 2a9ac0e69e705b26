// What an answer to consent lets a page store and send: every place to store, and every request, is looked at.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { batch } from "../../wasm-pkg/test/kit/batch.mjs";
import { DENIED, GRANTED, NOTHING, World, stored } from "./kit/world.mjs";

const ONLY_THE_SNAPSHOT = ["GET /v1/snapshot"];

/** Everything a page does that could leave a trace: three choices, an outcome, a login, an impatient flush. */
const live = (page) =>
  page.evaluate(async () => {
    await client.ready();
    const shown = ["hero", "badge", "checkout"].map((key) => client.variant(key));
    client.track("signup", { id: "order-1" });
    client.identify("ada@shop.example");
    await client.flush();
    return shown;
  });
const answer = (page, consent) => page.evaluate((consent) => client.setConsent(consent), consent);
const flush = (page) => page.evaluate(() => client.flush());

describe("consent", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  test("pending: variants are shown, nothing is stored, and the snapshot is all that is asked for", async () => {
    person = await world.person();
    // A cookie that the collector's host may have from elsewhere is no business of these requests.
    await person.addCookies([{ name: "other", value: "1", domain: "127.0.0.1", path: "/", sameSite: "None", secure: true }]);
    const page = await world.visit(person);
    for (const { key, source } of await live(page)) {
      assert.notEqual(key, null);
      assert.equal(source, "model");
    }
    assert.equal(await page.evaluate(() => client.visitorId()), null);
    const { cookies, ...rest } = await stored(page);
    assert.deepEqual(rest, withoutCookies(NOTHING));
    assert.deepEqual(cookies.map(({ name }) => name), ["other"]);
    await world.left(person, page);
    assert.deepEqual(world.door.lines, ONLY_THE_SNAPSHOT);
    const { headers } = world.door.requests[0];
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
    assert.deepEqual(await world.collector.log(), []);
  });

  test("pending, then granted: what was shown stays, and what happened before the answer is sent", async () => {
    person = await world.person();
    const page = await world.visit(person);
    const shown = await live(page);
    assert.deepEqual(world.door.batches, []);
    await answer(page, GRANTED);
    await flush(page);
    const again = await page.evaluate(() => ["hero", "badge", "checkout"].map((key) => client.variant(key)));
    assert.deepEqual(again, shown.map((variant) => ({ ...variant, source: "sticky" })));
    const log = await world.collector.logged("three exposures and an outcome", (events) => events.filter((e) => e.exposure).length >= 3 && events.some((e) => e.outcome));
    assert.equal(new Set(log.filter((e) => e.exposure).map((e) => e.unit)).size, 1);
    const { local, session, databases, cookies } = await stored(page);
    assert.deepEqual(Object.keys(local).sort(), ["tiltwise.memory", "tiltwise.snapshot", "tiltwise.visitor"]);
    assert.deepEqual(Object.keys(session), ["tiltwise.session"]);
    assert.deepEqual([databases, cookies], [[], []]);
    assert.equal(local["tiltwise.visitor"], await page.evaluate(() => client.visitorId()));
    for (const body of world.door.batches) assert.equal(batch(body).visitor, local["tiltwise.visitor"]);
  });

  test("pending, then denied: what was held is erased, and a later change of mind does not bring it back", async () => {
    person = await world.person();
    const page = await world.visit(person);
    await live(page);
    await answer(page, DENIED);
    await flush(page);
    assert.deepEqual(await stored(page), NOTHING);
    assert.deepEqual(world.door.lines, ONLY_THE_SNAPSHOT);
    await answer(page, GRANTED);
    await page.evaluate(() => {
      client.track("later");
      return client.flush();
    });
    await world.left(person, page);
    assert.deepEqual(world.door.batches.flatMap((body) => batch(body).events.map((event) => event.outcome)), ["later"]);
  });

  test("denied: everybody sees the control, nothing is stored, and nothing is sent", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: DENIED });
    const shown = await live(page);
    assert.deepEqual(shown.map(({ key, source }) => [key, source]), [["calm", "consent"], ["none", "consent"], ["green", "consent"]]);
    assert.equal(await page.evaluate(() => client.visitorId()), null);
    assert.deepEqual(await stored(page), NOTHING);
    await world.left(person, page);
    assert.deepEqual(world.door.lines, ONLY_THE_SNAPSHOT);
  });

  test("withdrawn: what was stored is erased, what was held is not sent, and the stream ends", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED, flushIntervalMs: 60_000 });
    await live(page);
    await world.door.until((door) => door.lines.includes("GET /v1/stream") && door.batches.length > 0);
    assert.notDeepEqual(await stored(page), NOTHING);
    const ended = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/v1/stream"));
    const requests = world.door.requests.length;
    await page.evaluate((consent) => {
      client.track("held");
      client.setConsent(consent);
    }, DENIED);
    await ended;
    await flush(page);
    assert.deepEqual(await stored(page), NOTHING);
    assert.equal((await page.evaluate(() => client.variant("hero"))).source, "consent");
    await page.evaluate(() => client.track("after"));
    await world.left(person, page);
    assert.deepEqual(world.door.lines.slice(requests), []);
  });

  test("withdrawn, then visited again: the visitor is nobody who was here before", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await live(page);
    const before = await page.evaluate(() => client.visitorId());
    await answer(page, DENIED);
    await page.reload();
    await page.waitForFunction(() => globalThis.client);
    await live(page);
    assert.notEqual(await page.evaluate(() => client.visitorId()), before);
  });

  test("personalization denied: no attribute is sent, and measurement goes on", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: { measurement: "granted", personalization: "denied" } });
    await live(page);
    const sent = world.door.batches.map(batch);
    assert.ok(sent.every((one) => one.unpersonalized));
    const exposures = sent.flatMap((one) => one.events).filter((event) => event.exposure);
    assert.equal(exposures.length, 3);
    assert.ok(exposures.every((exposure) => exposure.slots === 0));
  });

  test("personalization granted: the attributes of the context stand in the exposure", async () => {
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await live(page);
    const exposures = world.door.batches.flatMap((body) => batch(body).events).filter((event) => event.exposure);
    assert.ok(exposures.some((exposure) => exposure.slots > 0));
  });

  test("Global Privacy Control: it denies personalization, whatever the person clicked", async () => {
    person = await world.person({ gpc: "browser" });
    const page = await world.visit(person, { consent: GRANTED });
    await live(page);
    const post = world.door.requests.find(({ method }) => method === "POST");
    assert.equal(post.headers["sec-gpc"], "1");
    assert.ok(world.door.batches.map(batch).every((one) => one.unpersonalized && one.events.every((event) => !event.slots)));
    assert.deepEqual((await page.evaluate(() => client.explain("hero"))).features, []);
  });

  test("Global Privacy Control that only the request tells of: the collector drops the attributes", async () => {
    person = await world.person({ gpc: "request" });
    const before = (await world.collector.log()).length;
    const page = await world.visit(person, { consent: GRANTED });
    await live(page);
    const log = await world.collector.logged("three exposures", (events) => events.slice(before).filter((event) => event.exposure).length === 3);
    for (const { exposure } of log.slice(before).filter((event) => event.exposure)) assert.deepEqual(exposure.slots, []);
  });
});

function withoutCookies({ cookies, ...rest }) {
  return rest;
}
