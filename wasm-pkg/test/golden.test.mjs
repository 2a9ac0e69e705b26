// The golden file of decisions, replayed by the module of a page and by the one for tools: equal to the byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load as loadInspect } from "../wasm/inspect/index.js";
import { load as loadPage } from "../wasm/page/index.js";
import { bytes, content, hex, rows } from "./kit/golden.mjs";
import { sealed } from "./kit/seal.mjs";

/** What the page's module says of a row, in the form of its `expect`. */
export function replayInPage(glue, row) {
  const fresh = new Uint8Array(40);
  const edge = new glue.Edge(fresh, row.now_ms, 1000, 50, 200);
  edge.setConsent(1, row.personalized ? 1 : 2, fresh, row.now_ms);
  if (row.unit.visitor) assert.ok(edge.restoreVisitor(bytes(row.unit.visitor)));
  if (row.unit.account !== undefined) edge.identify(row.unit.account);
  edge.restoreTag(BigInt(row.session));
  for (const [name, value] of Object.entries(row.context)) {
    if (typeof value === "string") edge.setText(name, value);
    else if (typeof value === "number") edge.setNumber(name, value);
    else edge.setTruth(name, value);
  }
  const about = { version: BigInt(row.model), published: row.now_ms, expires: row.now_ms + 1 };
  assert.equal(edge.offer(sealed(content(row.snapshot), about), row.now_ms, false), 0);
  const at = edge.find(row.experiment);
  const bits = edge.choose(at, row.now_ms);
  const [source, arm] = [bits & 7, (bits >> 8) - 1];
  const said = {
    held: source !== 5,
    arm: arm < 0 ? undefined : arm,
    variant: arm < 0 ? undefined : edge.variantKey(at, arm),
    propensity: edge.propensity(),
    model: edge.model(),
    exposure: hex(edge.exposure(at, row.now_ms)),
  };
  edge.free();
  return said;
}

test("there are rows", () => assert.ok(rows.length >= 40));

for (const row of rows) {
  test(`in a page: ${row.name}`, () => {
    const { expect } = row;
    const said = replayInPage(loadPage(), row);
    assert.equal(said.arm, expect.arm);
    if (expect.held) return assert.deepEqual([said.held, said.exposure], [false, ""]);
    assert.equal(said.exposure, expect.exposure);
    assert.equal(said.variant, expect.variant);
    assert.equal(said.propensity, expect.propensities[expect.arm] / 2 ** 30);
    assert.equal(said.model, BigInt(row.model));
  });

  test(`for tools: ${row.name}`, () => {
    assert.deepEqual(loadInspect().replay(content(row.snapshot), row), row.expect);
  });
}
