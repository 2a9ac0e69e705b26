import assert from "node:assert/strict";
import { test } from "node:test";
import { piecesIn, readCart, valueOf, withOneMore } from "../src/cart.ts";
import { parseConfig } from "../src/config.ts";
import { visitOf } from "../src/context.ts";
import { buttonColourOf, heroOf, offerOf } from "../src/values.ts";
import { rows, sourceInWords } from "../src/why-words.ts";

test("a cart counts and is worth what its lamps cost", () => {
  const cart = withOneMore(withOneMore(withOneMore({}, "arc"), "arc"), "pebble");
  assert.equal(piecesIn(cart), 3);
  assert.equal(valueOf(cart), 2 * 149 + 39);
});

test("a cart that somebody tampered with holds only real lamps", () => {
  const kept = (text: string) => readCart({ getItem: () => text });
  assert.deepEqual(kept('{"arc":2,"gold":9,"reed":-1,"pebble":0.5}'), { arc: 2 });
  assert.deepEqual(kept("not json"), {});
  assert.deepEqual(kept("null"), {});
});

test("the address names the country, else the language does", () => {
  const at = (address: string) => new URL(address, "http://shop.example");
  assert.deepEqual(visitOf(true, "en-US", at("/?country=de"), 40), { device: "mobile", country: "DE", cart_value: 40 });
  assert.equal(visitOf(false, "fr-CA", at("/"), 0).country, "CA");
  assert.equal(visitOf(false, "fr", at("/?country=Atlantis"), 0).country, "US");
});

test("a page that names no collector says what is missing", () => {
  assert.throws(() => parseConfig(undefined), /config\.js must set/);
  assert.deepEqual(parseConfig({ url: "http://c", publicKeys: ["k"] }), { url: "http://c", publicKeys: ["k"] });
});

test("a value that the shop does not understand leaves the page as it was built", () => {
  assert.equal(heroOf(null), null);
  assert.equal(heroOf({ headline: "x" }), null);
  assert.equal(offerOf({ text: "x" }), "");
  assert.equal(buttonColourOf(7), "green");
});

test("every source has its sentence, and an unknown one is named", () => {
  for (const source of ["model", "sticky", "bootstrap", "override", "ineligible", "consent", "fallback"]) {
    assert.doesNotMatch(sourceInWords(source, "bold"), /decided by:/);
  }
  assert.match(sourceInWords("other", null), /“fallback” was decided by: other/);
});

test("an explanation of any shape becomes flat rows", () => {
  assert.deepEqual(rows({ model: { version: 12 }, slots: [1, 2], arms: [{ p: 0.123456789 }], none: null }), [
    ["model.version", "12"], ["slots", "1, 2"], ["arms[0].p", "0.123457"], ["none", "null"],
  ]);
});
