import assert from "node:assert/strict";
import { test } from "node:test";
import { glimpse } from "../src/glimpse.ts";
import { splitHeadline, typeset } from "../src/sentence.ts";

const marked = (sentence: string, keys: string[]) =>
  typeset(sentence, keys).map(({ text, variant }) => (variant === undefined ? text : `[${variant}:${text}]`)).join("");

test("the first sentence is the headline, and an amount with a point does not end it", () => {
  assert.deepEqual(splitHeadline("Green brings 4.10 EUR each. Too early to say."), {
    headline: "Green brings 4.10 EUR each.", rest: "Too early to say.",
  });
  assert.deepEqual(splitHeadline("Paused."), { headline: "Paused.", rest: "" });
});

test("variant names are marked whatever their case", () => {
  assert.equal(marked("Bold is ahead of calm.", ["calm", "bold"]), "[1:Bold] is ahead of [0:calm].");
});

test("a name inside another word is no name", () => {
  assert.equal(marked("Boldly none", ["bold", "non"]), "Boldly none");
});

test("the longer of two names wins", () => {
  assert.equal(marked("Bold red leads.", ["bold", "bold-red"]), "[1:Bold red] leads.");
});

test("a percent sign never starts a line", () => {
  assert.equal(marked("71 % of visitors", []), "71\u202f% of visitors");
});

test("keys full of signs do not break the search", () => {
  assert.equal(marked("a+b (new) is ahead", ["a+b", "(new)"]), "[0:a+b] [1:(new)] is ahead");
});

test("a value is shown by its longest text, and nothing is shown for nothing", () => {
  assert.equal(glimpse({ tone: "b", headline: "Save 20 % today" }), "“Save 20 % today”");
  assert.equal(glimpse(""), "");
  assert.equal(glimpse(42), "42");
  assert.equal(glimpse({ a: 1 }), '{"a":1}');
  assert.ok(glimpse("x".repeat(99)).length <= 48);
});
