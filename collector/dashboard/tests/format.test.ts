import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../src/format.ts";

/** Narrow no-break spaces are written as plain ones here, to be read. */
const plain = (text: string) => text.replaceAll("\u202f", " ");

test("a share is whole percent, and a trace of traffic is not nothing", () => {
  assert.equal(plain(format.share(0.712)), "71 %");
  assert.equal(plain(format.share(0)), "0 %");
  assert.equal(plain(format.share(0.002)), "<1 %");
  assert.equal(plain(format.share(0.999)), ">99 %");
  assert.equal(plain(format.share(1)), "100 %");
});

test("a rate keeps one decimal even when it is round, and two below one percent", () => {
  assert.equal(plain(format.rate(0.1)), "10.0 %");
  assert.equal(plain(format.rate(0.0042)), "0.42 %");
  assert.equal(plain(format.rate(0)), "0.0 %");
});

test("a difference is signed with a real minus", () => {
  assert.equal(plain(format.points(0.034)), "+3.4 points");
  assert.equal(plain(format.points(-0.012)), "\u22121.2 points");
  assert.equal(plain(format.points(0.0001)), "0.0 points");
});

test("a number never parts from its unit at a line's end", () => {
  for (const text of [format.share(0.5), format.rate(0.5), format.points(0.5), format.duration(1), format.bytes(2e6)]) {
    assert.doesNotMatch(text, / /);
  }
});

test("a duration takes the one unit that fits", () => {
  const cases: [number, string][] = [
    [0, "0 ms"], [2.34, "2.3 ms"], [84, "84 ms"], [1500, "1.5 s"], [10_000, "10 s"],
    [1_800_000, "30 min"], [7_200_000, "2 h"], [604_800_000, "7 days"],
  ];
  for (const [ms, text] of cases) assert.equal(plain(format.duration(ms)), text);
});

test("an age ticks in tenths while it is young, and clocks that disagree never make it negative", () => {
  assert.equal(plain(format.age(400)), "0.4 s");
  assert.equal(plain(format.age(3000)), "3.0 s");
  assert.equal(plain(format.age(-250)), "0.0 s");
  assert.equal(plain(format.age(65_000)), "1 min");
});

test("bytes and counts stay short", () => {
  assert.equal(plain(format.bytes(0)), "0 byte");
  assert.equal(plain(format.bytes(59_400_000)), "59.4 MB");
  assert.equal(format.count(31_491), "31,491");
  assert.equal(format.count(2_450_000), "2.5M");
});
