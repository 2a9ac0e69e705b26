/** "Why do I see this?": the decision in words, then everything that `explain` knows. */

import { client, type Decision } from "./client.ts";
import { find, make } from "./dom.ts";
import { rows, sourceInWords } from "./why-words.ts";

export function offerWhy(key: string, decision: Decision): void {
  find(`[data-test=why-${key}]`).addEventListener("click", () => void show(key, decision));
}

async function show(key: string, decision: Decision): Promise<void> {
  const explained: unknown = await client.explain(key);
  if (document.querySelector("dialog[open]")) return;
  const dialog = make(
    "dialog",
    { class: "panel", test: "why" },
    make("h2", { id: "why" }, "Why do I see this?"),
    make("p", { class: "lead" }, sourceInWords(decision.source, decision.key)),
    ...chance(decision),
    make("details", {}, make("summary", {}, "Everything the decision was made of"), listOf(explained)),
    make(
      "form",
      { method: "dialog" },
      make("button", { class: "button", test: "why-close" }, "Close"),
    ),
  );
  dialog.setAttribute("aria-labelledby", "why");
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function chance({ propensity, modelVersion }: Decision): Node[] {
  if (typeof propensity !== "number") return [];
  const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 }).format(propensity);
  const meter = make("meter", { min: 0, max: 1, value: propensity });
  meter.setAttribute("aria-label", "Chance of this variant");
  return [
    make("p", { class: "chance" }, `The chance was `, make("strong", {}, percent), ` by model ${String(modelVersion ?? "none")}.`, meter),
  ];
}

function listOf(value: unknown): HTMLElement {
  const list = make("dl", { class: "facts", test: "why-facts" });
  for (const [name, text] of rows(value)) list.append(make("dt", {}, name), make("dd", {}, text));
  return list;
}
