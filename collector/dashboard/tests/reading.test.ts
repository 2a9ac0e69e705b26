import assert from "node:assert/strict";
import { test } from "node:test";
import { definition, difference, harvest, reading } from "../src/measure.ts";
import { gainText, verdict } from "../src/verdict.ts";
import type { Contrast, Metric } from "../src/wire.ts";

const plain = (text: string) => text.replaceAll("\u202f", " ").replaceAll("\u2212", "-");
const rate: Metric = { event: "sign_up", kind: "rate", windowMs: 1_800_000, currency: null, cap: null };
const value: Metric = { event: "purchase", kind: "value", windowMs: 604_800_000, currency: "EUR", cap: 500 };
const contrast = (estimate: number | null, low: number | null, high: number | null, safe = true): Contrast => ({
  variant: "bold", estimate, low, high, method: "", safe,
});

test("a metric is defined in words, with its window and its cap", () => {
  assert.equal(plain(definition(rate)), "sign up within 30 min");
  assert.equal(plain(definition(value)), "purchase within 7 days, at most €500 counted");
});

test("a value metric is read as money, a rate as percent", () => {
  assert.equal(plain(reading(value, 4.1)), "€4.10");
  assert.equal(plain(reading(rate, 0.132)), "13.2 %");
  assert.equal(plain(difference(value, -0.35)), "-€0.35");
});

test("what a variant brought is counted where it is a rate, and summed where it is money", () => {
  assert.equal(harvest(rate, { conversions: 1204, total: 1204 }), "1,204");
  assert.equal(harvest(value, { conversions: 0, total: 20431.6 }), "€20,432");
});

test("a range above zero beats the control, one below is behind, one across is open", () => {
  assert.equal(plain(verdict(contrast(0.034, 0.011, 0.057), "calm", rate).text), "Bold beats Calm by 3.4 points (+1.1 to +5.7).");
  assert.equal(plain(verdict(contrast(-0.02, -0.03, -0.01), "calm", rate).text), "Bold is behind Calm by 2.0 points (-3.0 to -1.0).");
  assert.equal(plain(verdict(contrast(0.01, -0.01, 0.03), "calm", rate).text), "No clear difference between Bold and Calm so far (-1.0 to +3.0 points).");
});

test("a comparison without numbers says that it waits", () => {
  assert.equal(verdict(contrast(null, null, null), "calm", rate).leaning, "waiting");
});

test("a reading that is not safe to peek at says so", () => {
  assert.match(verdict(contrast(0.03, 0.01, 0.05, false), "calm", rate).note, /^Not yet safe/);
});

test("the gain of the system is said against an even split", () => {
  assert.equal(plain(gainText({ estimate: 0.02, low: 0.014, high: 0.026 }, rate)), "Tilting against an even split: +2.0 points (+1.4 to +2.6).");
});
