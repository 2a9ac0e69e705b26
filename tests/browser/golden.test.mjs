// The golden file of decisions, replayed by the page's module in a real browser: equal to the byte.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { agree, content, hex, rows } from "../../wasm-pkg/test/kit/golden.mjs";
import { launch } from "./kit/browser.mjs";
import { Site } from "./kit/site.mjs";

describe("in Chromium", () => {
  let [browser, site, said] = [];

  before(async () => {
    site = await Site.open();
    site.made.set("/rows.json", JSON.stringify(rows.map((row) => ({ row, content: hex(content(row.snapshot)) }))));
    browser = await launch();
    const page = await browser.newPage();
    await page.goto(`${site.origin}/golden.html`);
    said = await (await page.waitForFunction(() => globalThis.said)).jsonValue();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test("every row was replayed", () => assert.equal(said.length, rows.length));

  for (const [i, row] of rows.entries()) {
    test(row.name, () => agree(said[i], row));
  }
});
