// Nanoseconds a decision by the page's module in V8: `node bench.mjs MODULE SNAPSHOT RUNS` prints JSON, a number a run.
// SNAPSHOT is the content of one, as bytes.
//
// Each call is what a page does, through the glue: prepared, nothing about the visitor has changed since the last one;
// oneShot, one attribute has; wholeContext, all eight have.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, snapshot, runs] = process.argv.slice(2);
const CALLS = 300_000;
const { load } = await import(pathToFileURL(module).href);
const edge = load();

const now = Date.now();
const client = edge.open(crypto.getRandomValues(new Uint8Array(40)), now, 1000, 100, 1000);
const refused = edge.offer(client, "bench", 1n, now + 3_600_000, readFileSync(snapshot), true, now);
if (refused !== 0) throw new Error(`the module refuses the snapshot: ${refused}`);
const at = edge.find(client, "bench");
const names = Array.from({ length: 8 }, (_, i) => `attribute-${i}`);
const values = ["red", "green", "blue", "white"];
setAll(0);

// Every call opens an episode of its own, so that arms are drawn and not remembered.
const report = {
  prepared: measure((i) => edge.peek(client, at, now + i)),
  oneShot: measure((i) => {
    edge.setText(client, names[0], values[i & 3]);
    return edge.peek(client, at, now + i);
  }),
  wholeContext: measure((i) => {
    setAll(i);
    return edge.peek(client, at, now + i);
  }),
};
process.stdout.write(JSON.stringify(report));

function setAll(i) {
  for (let n = 0; n < names.length; n++) edge.setText(client, names[n], values[(i + n) & 3]);
}

function measure(decide) {
  const arms = [0, 0, 0, 0];
  run(decide, arms); // V8 optimises during this one.
  const nanoseconds = Array.from({ length: Number(runs) }, () => run(decide, arms));
  // A call that always gave the same answer would measure something else.
  if (arms[0] > 0 || arms.slice(1).some((n) => n === 0)) throw new Error(`drawn arms: ${arms.slice(1)}, none: ${arms[0]}`);
  return nanoseconds;
}

function run(decide, arms) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < CALLS; i++) arms[decide(i)]++;
  return Number(process.hrtime.bigint() - start) / CALLS;
}
