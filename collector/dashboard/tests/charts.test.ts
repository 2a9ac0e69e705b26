import assert from "node:assert/strict";
import { test } from "node:test";
import { niceStep, scaleOf } from "../src/scale.ts";
import { sharesAt, stack } from "../src/stack.ts";

const interval = (low: number, estimate: number, high: number) => ({ low, estimate, high });

test("an axis ends on round numbers and holds every interval", () => {
  const scale = scaleOf([interval(0.091, 0.1, 0.11), interval(0.127, 0.134, 0.14)]);
  assert.ok(scale);
  assert.deepEqual(scale.ticks, [0.08, 0.1, 0.12, 0.14, 0.16]);
  for (const x of [0.091, 0.14]) assert.ok(scale.at(x) > 0 && scale.at(x) < 1);
});

test("what cannot be negative gets no axis below zero", () => {
  const scale = scaleOf([interval(0, 0.001, 0.03)]);
  assert.equal(scale?.low, 0);
});

test("one point, or a zero, still makes an axis", () => {
  for (const x of [0, 0.1, 3]) {
    const scale = scaleOf([interval(x, x, x)]);
    assert.ok(scale && scale.high > scale.low && Number.isFinite(scale.at(x)));
  }
});

test("without a reading there is no axis", () => {
  assert.equal(scaleOf([{ low: null, estimate: null, high: null }]), null);
  assert.equal(scaleOf([]), null);
});

test("steps are one, two or five times a power of ten", () => {
  assert.deepEqual([0.013, 0.03, 0.7, 1, 43].map(niceStep), [0.02, 0.05, 1, 1, 50]);
});

test("areas are stacked in the order of the variants", () => {
  const history = { t: [1, 2], shares: { calm: [0.5, 0.25], bold: [0.5, 0.75] } };
  assert.deepEqual(stack(history, ["calm", "bold"]), [[0.5, 0.25], [1, 1]]);
  assert.deepEqual(sharesAt(history, ["calm", "bold"], 1), [0.25, 0.75]);
});

test("a variant that joined later counts as none before", () => {
  assert.deepEqual(stack({ t: [1, 2], shares: { calm: [1, 1] } }, ["calm", "new"]), [[1, 1], [1, 1]]);
});
