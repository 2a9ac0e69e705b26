// The golden file of decisions, replayed by the module of a page and by the one for tools: equal to the byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load as loadInspect } from "../wasm/inspect/index.js";
import * as page from "../wasm/page/index.js";
import { agree, content, rows } from "./kit/golden.mjs";
import { replay } from "./kit/replay.mjs";

test("there are rows", () => assert.ok(rows.length >= 40));

for (const row of rows) {
  test(`in a page: ${row.name}`, () => agree(replay(page, row, content(row.snapshot)), row));

  test(`for tools: ${row.name}`, () => {
    assert.deepEqual(loadInspect().replay(content(row.snapshot), row), row.expect);
  });
}
