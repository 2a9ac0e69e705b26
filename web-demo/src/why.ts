/** "Why do I see this?": what was chosen and how, the chance of every variant, and everything else on request. */

import type { Explanation } from "tiltwise";
import { client, type Decision } from "./client.ts";
import { find, make } from "./dom.ts";
import { percent, rows, sourceInWords } from "./why-words.ts";

export function offerWhy(key: string, decision: Decision): void {
  find(`[data-test=why-${key}]`).addEventListener("click", () => void show(key, decision));
}

async function show(key: string, decision: Decision): Promise<void> {
  const explanation = await client.explain(key).catch(() => null);
  if (document.querySelector("dialog[open]")) return;
  const dialog = make(
    "dialog",
    { class: "panel", test: "why" },
    make("h2", { id: "why" }, "Why do I see this?"),
    make("p", { class: "lead" }, sourceInWords(decision.source, decision.key)),
    ...chance(decision),
    ...(explanation ? [arms(explanation), everything(explanation)] : []),
    make("form", { method: "dialog" }, make("button", { class: "button", test: "why-close" }, "Close")),
  );
  dialog.setAttribute("aria-labelledby", "why");
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function chance({ propensity, modelVersion }: Decision): Node[] {
  if (propensity === null) return [];
  const by = modelVersion === null ? "" : ` by model ${modelVersion}`;
  return [make("p", {}, "Its chance was ", make("strong", {}, percent(propensity)), `${by}.`)];
}

/** A later choice may go otherwise: the newest model is asked, not the one that chose. */
function arms({ arms: all, modelVersion }: Explanation): HTMLElement {
  const list = make("ul", { class: "arms", test: "why-arms" });
  for (const { key, probability, active } of all) {
    const meter = make("meter", { min: 0, max: 1, value: probability });
    meter.setAttribute("aria-label", `Chance of ${key}`);
    list.append(make("li", {}, make("span", {}, active ? key : `${key} (stopped)`), meter, make("span", {}, percent(probability))));
  }
  return make("div", {}, make("h3", {}, `Chances for you by the newest model, ${modelVersion}`), list);
}

function everything(explanation: Explanation): HTMLElement {
  const facts = make("dl", { class: "facts", test: "why-facts" });
  for (const [name, text] of rows(explanation)) facts.append(make("dt", {}, name), make("dd", {}, text));
  return make("details", {}, make("summary", {}, "Everything that a decision is made of"), make("p", {}, explanation.why), facts);
}
