import assert from "node:assert/strict";
import { test } from "node:test";
import { definition, difference, harvest, reading } from "../src/measure.ts";
import { guardrailLeaning, verdict } from "../src/verdict.ts";
import type { Contrast, Guardrail, Metric } from "../src/wire.ts";

const plain = (text: string) => text.replaceAll("\u202f", " ").replaceAll("\u2212", "-");
const rate: Metric = { event: "sign_up", kind: "rate", windowMs: 1_800_000, currency: null, cap: null };
const value: Metric = { event: "purchase", kind: "value", windowMs: 604_800_000, currency: "EUR", cap: 500 };
const contrast = (said: Contrast["verdict"], estimate: number | null = 0.02): Contrast => ({
  variant: "bold", estimate, low: -0.01, high: 0.05, method: "", safe: true, verdict: said, sentence: "As the collector says it.",
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

test("a comparison is told in the collector's words and by its verdict, not by its numbers", () => {
  assert.deepEqual(verdict(contrast("more")), { leaning: "better", text: "As the collector says it." });
  assert.equal(verdict(contrast("less")).leaning, "worse");
  assert.equal(verdict(contrast("open")).leaning, "open");
});

test("a comparison without numbers waits", () => {
  assert.equal(verdict(contrast("open", null)).leaning, "waiting");
});

test("a guardrail that is breached stands out, and one that holds is good news", () => {
  const guardrail = (state: Guardrail["state"]): Guardrail => ({ event: "refund", variant: "bold", state, onBreach: "stop-variant", sentence: "" });
  assert.deepEqual((["holds", "near", "breached"] as const).map((state) => guardrailLeaning(guardrail(state))), ["better", "open", "worse"]);
});
