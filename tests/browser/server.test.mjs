// A shop's own server reports what a page cannot know, for the visitor whose id the page handed over.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { until } from "./kit/until.mjs";
import { GRANTED, World } from "./kit/world.mjs";

describe("a shop's server", () => {
  let world, person;
  before(async () => (world = await World.make()));
  after(() => world?.end());
  afterEach(() => person?.close());

  test("reports a purchase for a page's visitor, and it counts for what that visitor was shown", async () => {
    const key = await world.collector.run("keys", "server", "add", "checkout");
    person = await world.person();
    const page = await world.visit(person, { consent: GRANTED });
    await page.evaluate(() => client.ready());
    const [badge, checkout] = await page.evaluate(() => [client.variant("badge"), client.variant("checkout")]);
    // The page tells of the same order, with a price that somebody may have typed.
    await page.evaluate(() => {
      client.track("purchase", { value: 9999, currency: "EUR", id: "order-7" });
      return client.flush();
    });
    const visitor = await page.evaluate(() => client.visitorId());
    const purchase = { name: "purchase", value: 42.5, currency: "EUR", id: "order-7" };
    const send = (headers) =>
      fetch(`${world.collector.url}/v1/e`, { method: "POST", headers, body: JSON.stringify({ events: [{ id: "order-7", visitor, outcome: purchase }] }) });
    // A running collector knows of a new key within a second.
    const answer = await until("the key is known", async () => {
      const answer = await send({ authorization: `Bearer ${key}`, "content-type": "application/json" });
      return answer.ok && answer;
    });
    const said = await answer.json();
    const { experiments } = await until("the purchase is in the results", async () => {
      const results = await (await world.collector.ask("/v1/admin/results")).json();
      const found = results.experiments.find((one) => one.key === "badge")?.variants.find((one) => one.key === badge.key);
      return found?.total > 0 && results;
    });
    const result = (experiment, variant) => experiments.find((one) => one.key === experiment).variants.find((one) => one.key === variant);
    // badge counts what the server says; checkout whether anything was bought, whoever says so, once.
    assert.deepEqual([result("badge", badge.key).units, result("badge", badge.key).total], [1, 42.5]);
    assert.deepEqual([result("checkout", checkout.key).units, result("checkout", checkout.key).conversions], [1, 1]);
    const log = await world.collector.log();
    assert.equal(new Set(log.map(({ unit }) => unit)).size, 1);
    assert.deepEqual(said, { accepted: 1, duplicate: 0, rejected: [] });
  });
});
