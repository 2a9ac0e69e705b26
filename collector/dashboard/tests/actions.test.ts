import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { perform, wording, type Intent } from "../src/actions.ts";
import type { Experiment } from "../src/wire.ts";

const experiment = { key: "hero", name: "Hero headline", control: "calm" } as Experiment;
const intent: Intent = { action: "stop-variant", experiment, variant: "bold" };
const realFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = realFetch;
});

function answerWith(response: Response): { body: unknown } {
  const seen = { body: undefined as unknown };
  globalThis.fetch = (_url, options) => {
    seen.body = JSON.parse(String(options?.body));
    return Promise.resolve(response);
  };
  return seen;
}

test("every action says what happens to visitors before it is confirmed", () => {
  for (const action of ["pause", "resume", "stop-variant", "start-variant", "declare-winner", "lift"] as const) {
    const words = wording({ action, experiment, variant: "bold" });
    assert.ok(words.heading && words.consequence.endsWith(".") && words.button);
  }
});

test("an action names experiment, variant and author, and success is silence", async () => {
  const seen = answerWith(Response.json({ ok: true }));
  assert.equal(await perform(intent), null);
  assert.deepEqual(seen.body, { action: "stop-variant", experiment: "hero", variant: "bold", author: "dashboard" });
});

test("lifting a decision leaves stopped variants stopped", async () => {
  const seen = answerWith(Response.json({}));
  assert.equal(await perform({ action: "lift", experiment }), null);
  assert.equal((seen.body as { lifts: string }).lifts, "declare-winner");
});

test("the collector's error is shown as it is", async () => {
  answerWith(Response.json({ error: "failed", message: "There is no variant \"bold\"." }, { status: 422 }));
  assert.equal(await perform(intent), "There is no variant \"bold\".");
  answerWith(Response.json({ error: "Too many." }, { status: 503 }));
  assert.equal(await perform(intent), "Too many.");
});

test("a signed-out browser and a silent collector are told apart", async () => {
  answerWith(new Response(null, { status: 401 }));
  assert.match((await perform(intent)) ?? "", /signed out/);
  globalThis.fetch = () => Promise.reject(new TypeError("failed"));
  assert.match((await perform(intent)) ?? "", /did not answer/);
});
