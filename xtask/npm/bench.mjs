// Nanoseconds a decision by the page's module in V8: `node bench.mjs MODULE PACKAGE SNAPSHOT RUNS` prints JSON, a number a
// run. SNAPSHOT is the content of one, as bytes.
//
// The module first, called as the package calls it: prepared, nothing about the visitor has changed since the last one;
// oneShot, one attribute has; wholeContext, all eight have. Then the package as its user does: `setContext` and `variant`,
// which also shows, remembers and reports what it chose.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, entry, file, runs] = process.argv.slice(2);
/** A run is the median of so many batches of so many calls: short ones, of which other programs interrupt only some. */
const BATCHES = 3_000;
const CALLS = 100;
/** Counts what was not drawn, behind the three arms. */
const NONE = 3;
const { load, lay, put, room } = await import(pathToFileURL(module).href);
const { createClient } = await import(pathToFileURL(entry).href);
const edge = load();
const content = readFileSync(file);

// Every call opens an episode of its own, so that arms are drawn and not remembered.
const now = Date.now();
lay(crypto.getRandomValues(new Uint8Array(40)));
const client = edge.open(now, 1000, 100, 1000);
const refused = edge.offer(client, ...lay("bench", content), 1n, now + 3_600_000, true, now);
if (refused !== 0) throw new Error(`the module refuses the snapshot: ${refused}`);
const at = edge.find(client, ...lay("bench"));
const names = Array.from({ length: 8 }, (_, i) => `attribute-${i}`);
const values = ["red", "green", "blue", "white"];
setAll(0);

const report = {
  prepared: measure((i) => drawn(edge.peek(client, at, now + i))),
  oneShot: measure((i) => {
    setText(names[0], values[i & 3]);
    return drawn(edge.peek(client, at, now + i));
  }),
  wholeContext: measure((i) => {
    setAll(i);
    return drawn(edge.peek(client, at, now + i));
  }),
  ...packed(),
};
process.stdout.write(JSON.stringify(report));

/** The same through the package, whose clock is moved on by hand. Nothing is sent: measurement is not answered. */
function packed() {
  let moment = now;
  Date.now = () => moment;
  const fetch = () => Promise.reject(new Error("there is no collector"));
  // As few events as a page holds between two batches: with every choice the client looks through them for one that is due.
  const options = { url: "http://127.0.0.1", storage: null, fetch, bufferedEvents: 10 };
  const page = createClient({ ...options, bootstrap: sealed(), context: context(0, 8) });
  const decide = (changed) =>
    measure((i) => {
      moment += 1;
      if (changed > 0) page.setContext(context(i, changed));
      const { key, source } = page.variant("bench");
      return source === "bootstrap" ? Number(key.slice(-1)) : NONE;
    });
  const report = { clientPrepared: decide(0), clientOneShot: decide(1), clientWholeContext: decide(8) };
  void page.close();
  return report;
}

function context(i, changed) {
  const all = {};
  for (let n = 0; n < names.length; n++) all[names[n]] = values[((n < changed ? i : 0) + n) & 3];
  return all;
}

/** The envelope of a snapshot that comes with the page, as far as the package reads it at once. */
function sealed() {
  const field = (number, bytes) => [(number << 3) | 2, ...varint(bytes.length), ...bytes];
  const varint = (n) => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
  const head = [0x0d, 0x54, 0x57, 0x50, 0x31, 2 << 3, 1, ...field(3, Buffer.from("bench")), 4 << 3, 1];
  return Uint8Array.from([...head, 6 << 3, ...varint(now + 3_600_000), ...field(11, content)]);
}

/** The module numbers arms from 1, and 0 is none. */
function drawn(arm) {
  return arm === 0 ? NONE : arm - 1;
}

function setText(name, value) {
  const from = room(3 * (name.length + value.length));
  const length = put(name, from);
  edge.setText(client, length, put(value, from + length));
}

function setAll(i) {
  for (let n = 0; n < names.length; n++) setText(names[n], values[(i + n) & 3]);
}

function measure(decide) {
  const arms = [0, 0, 0, 0];
  run(decide, arms); // V8 optimises during this one.
  const nanoseconds = Array.from({ length: Number(runs) }, () => run(decide, arms));
  // A call that always gave the same answer would measure something else, and so would one that drew nothing.
  const none = arms.pop();
  if (none > 0 || arms.some((n) => n === 0)) throw new Error(`drawn arms: ${arms}, none: ${none}`);
  return nanoseconds;
}

function run(decide, arms) {
  const batches = Array.from({ length: BATCHES }, (_, batch) => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < CALLS; i++) arms[decide(batch * CALLS + i)]++;
    return Number(process.hrtime.bigint() - start) / CALLS;
  });
  return batches.sort((a, b) => a - b)[BATCHES / 2];
}
