// A real browser in the demo's shop: visitor after visitor, each with an empty browser profile, clicks through the pages.
//
//   node visit.mjs SHOP_URL CHROMIUM headless|headed
//
// Prints a JSON line a visitor: what the collector said to this browser's own requests. Ends after SIGTERM.

import { chromium } from "playwright-core";

const [shop, executablePath, mode] = process.argv.slice(2);

const VISITORS = [
  { country: "US", viewport: { width: 390, height: 844 } },
  { country: "DE", viewport: { width: 1280, height: 800 } },
  { country: "FR", viewport: { width: 390, height: 844 } },
  { country: "JP", viewport: { width: 1280, height: 800 } },
];

/** Time to read: between two clicks, and between two visitors. */
const PAUSE_MS = 400;

let stopping = false;
process.on("SIGTERM", () => (stopping = true));

// Chromium refuses to run its sandbox as root.
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
// The visitor in the shop finishes before the browser ends, so its end is left to this script.
const ends = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
const browser = await chromium.launch({ executablePath, headless: mode === "headless", args, ...ends });
for (let turn = 0; !stopping; turn++) {
  console.log(JSON.stringify(await visit(VISITORS[turn % VISITORS.length], turn)));
}
await browser.close();

async function visit({ country, viewport }, turn) {
  const context = await browser.newContext({ viewport });
  const answers = [];
  // From the request on, so that none is missed whose answer comes while the visitor is already leaving.
  context.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/v1/e")) answers.push(request.response().then(judge));
  });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));

  await page.goto(`${shop}/?country=${country}`);
  await page.click("[data-test=consent-accept]");
  const shown = await shownIn(page, "[data-hero]");
  await pause();
  if (turn % 3 === 0) await page.click("[data-test=signup]");
  await flush(page);
  await page.click("[data-test^=lamp-]");
  await page.waitForSelector("[data-test=add-to-cart]");
  await pause();
  await page.click("[data-test=add-to-cart]");
  await page.waitForSelector("[data-test=buy]:visible");
  await pause();
  await flush(page);
  if (turn % 2 === 0) {
    await page.click("[data-test=buy]");
    await page.waitForSelector("[data-test=order]");
    await flush(page);
  }
  const judged = await Promise.all(answers);
  await context.close();
  const sum = (key) => judged.reduce((total, verdicts) => total + verdicts[key], 0);
  return { shown, accepted: sum("accepted"), duplicate: sum("duplicate"), rejected: sum("rejected"), errors };
}

/** Which arm an element shows, and by what it was chosen. */
async function shownIn(page, selector) {
  await page.waitForSelector(`${selector}:not([aria-busy])`);
  return page.$eval(selector, ({ dataset: { variant, source, model } }) => ({ variant, source, model }));
}

/** Everything that the page holds is acknowledged before it is left, so that this browser's record is complete. */
async function flush(page) {
  await page.evaluate(() => window.tiltwise.flush());
}

/** The verdicts on one batch: a byte an event, or no byte where all were accepted. */
async function judge(response) {
  const verdicts = { accepted: 0, duplicate: 0, rejected: 0 };
  if (response?.status() !== 200) return verdicts;
  // The body of an answer cannot be read any more once its page has been left, and of an empty one nothing is lost.
  const answer = response.headers()["content-length"] === "0" ? [] : await response.body();
  const codes = answer.length > 0 ? [...answer] : new Array(eventsIn(response.request().postDataBuffer())).fill(0);
  for (const code of codes) verdicts[code === 0 ? "accepted" : code === 1 ? "duplicate" : "rejected"]++;
  return verdicts;
}

/** How many events a binary batch carries: its fields numbered 9 (see proto/tiltwise.proto). */
function eventsIn(batch) {
  let events = 0;
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = batch[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < batch.length) {
    const tag = varint();
    if (tag >> 3 === 9) events++;
    const kind = tag & 7;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else {
      const length = varint();
      at += length;
    }
  }
  return events;
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, stopping ? 0 : PAUSE_MS));
}
