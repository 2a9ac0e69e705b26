// The golden file of decisions, replayed by the module of a page and by the one for tools: equal to the byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load as loadInspect } from "../wasm/inspect/index.js";
import { load as loadPage } from "../wasm/page/index.js";
import { bytes, content, hex, rows } from "./kit/golden.mjs";

/** What the page's module says of a row, in the form of its `expect`. */
export function replayInPage(glue, row) {
  const fresh = new Uint8Array(40);
  const id = glue.open(fresh, row.now_ms, 1000, 50, 200);
  glue.setConsent(id, 1, row.personalized ? 1 : 2, fresh, row.now_ms);
  if (row.unit.visitor) assert.ok(glue.restoreVisitor(id, bytes(row.unit.visitor)));
  if (row.unit.account !== undefined) glue.identify(id, row.unit.account);
  glue.restoreTag(id, BigInt(row.session));
  for (const [name, value] of Object.entries(row.context)) {
    if (typeof value === "string") glue.setText(id, name, value);
    else if (typeof value === "number") glue.setNumber(id, name, value);
    else glue.setTruth(id, name, value);
  }
  assert.equal(glue.offer(id, "shop", BigInt(row.model), row.now_ms + 1, content(row.snapshot), false, row.now_ms), 0);
  const at = glue.find(id, row.experiment);
  const bits = glue.choose(id, at, row.now_ms);
  const [source, arm] = [bits & 7, (bits >> 8) - 1];
  const said = {
    held: source !== 5,
    arm: arm < 0 ? undefined : arm,
    variant: arm < 0 ? undefined : glue.variant(id, at, arm, false),
    propensity: glue.propensity(id),
    model: glue.model(id),
    exposure: hex(glue.exposure(id, at, row.now_ms)),
  };
  glue.close(id);
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
    assert.equal(said.propensity, expect.propensities[expect.arm]);
    assert.equal(said.model, BigInt(row.model));
  });

  test(`for tools: ${row.name}`, () => {
    assert.deepEqual(loadInspect().replay(content(row.snapshot), row), row.expect);
  });
}
