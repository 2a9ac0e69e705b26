import assert from "node:assert/strict";
import { test } from "node:test";
import { consentOf, keepChoice, keptChoice } from "../src/consent.ts";

function storage(kept: Record<string, string> = {}) {
  return { kept, getItem: (key: string) => kept[key] ?? null, setItem: (key: string, value: string) => void (kept[key] = value) };
}

test("before a choice everything is pending, and looking keeps nothing", () => {
  const place = storage();
  assert.deepEqual(consentOf(keptChoice(place)), { measurement: "pending", personalization: "pending" });
  assert.deepEqual(place.kept, {});
});

test("a choice is kept and read back", () => {
  for (const choice of ["all", "measurement", "denied"] as const) {
    const place = storage();
    keepChoice(place, choice);
    assert.equal(keptChoice(place), choice);
  }
});

test("measurement only never personalizes, and a denial denies both", () => {
  assert.deepEqual(consentOf("measurement"), { measurement: "granted", personalization: "denied" });
  assert.deepEqual(consentOf("denied"), { measurement: "denied", personalization: "denied" });
});

test("what cannot be read as a choice is no consent", () => {
  assert.equal(keptChoice(storage({ "shop.consent": "yes please" })), null);
});
