// The golden file of decisions, which every host replays.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fields } from "./batch.mjs";

const file = JSON.parse(readFileSync(new URL("../../../tests/golden/decisions.json", import.meta.url), "utf8"));

export const rows = file.rows;
export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));
/** An encoded snapshot content by its name. */
export const content = (name) => bytes(file.snapshots[name]);
/** When the golden decisions were made: Monday, 2026-01-05. */
export const NOW = 1767571200000;

/** Fails unless a module said of a row what the file says. */
export function agree(said, row) {
  const { expect } = row;
  assert.ok(said.taken, "visitor and snapshot are taken");
  assert.equal(said.arm, expect.arm);
  if (expect.held) return assert.deepEqual([said.held, said.exposure], [true, ""]);
  assert.equal(said.exposure, expect.exposure);
  assert.equal(said.variant, expect.variant);
  assert.equal(said.propensity, expect.propensities[expect.arm]);
  assert.equal(said.model, row.model);
}

/** Whether a snapshot lets Global Privacy Control deny personalization: its field 5. */
export function gpcLimits(name) {
  return fields(content(name)).some(([number, value]) => number === 5 && value === 1n);
}
