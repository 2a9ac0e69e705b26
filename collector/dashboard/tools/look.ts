/**
 * Photographs every scene of the fake stream, light and dark, wide and narrow, and lets axe-core look for barriers.
 * `npm run look -- OUTDIR`; needs Chromium (CHROMIUM names it, else /usr/bin/chromium). Ends with 1 if axe found anything.
 */

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const out = process.argv[2] ?? "look";
const scenes = (process.argv[3] ?? "busy,early,silent,empty,degraded,decided,signed-out").split(",");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  help: string;
  nodes: { html: string }[];
}

mkdirSync(out, { recursive: true });
const server = await createServer({ mode: "fake", logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
await server.listen();
const address = server.resolvedUrls?.local[0] ?? "";
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let barriers = 0;
for (const scene of scenes) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" });
      page.on("pageerror", (error) => console.error(`${scene}: ${error.message}`));
      await page.goto(`${address}?scene=${scene}`);
      await page.waitForSelector(scene === "signed-out" ? ".alone a" : ".health");
      await page.waitForTimeout(scene === "busy" ? 3500 : 600);
      await page.screenshot({ path: join(out, `${scene}-${colorScheme}-${width}.png`), fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) console.error(`${scene} ${colorScheme} ${width}: scrolls sideways`);
      await page.addScriptTag({ content: axe });
      const found = (await page.evaluate("axe.run().then((r) => r.violations)")) as Violation[];
      for (const { id, help, nodes } of found) console.error(`${scene} ${colorScheme} ${width}: ${id}: ${help}\n  ${nodes.map((n) => n.html).join("\n  ")}`);
      barriers += found.length + (wide ? 1 : 0);
      await page.close();
    }
  }
}
await browser.close();
await server.close();
console.log(`${scenes.length * 4} pictures in ${out}, ${barriers} barriers`);
process.exit(barriers > 0 ? 1 : 0);
