/**
 * The consent banner: three answers of equal weight, no box ticked in advance, nothing behind it blocked. Until somebody
 * answers, variants are chosen in memory only, and nothing is stored or sent.
 */

import { client } from "./client.ts";
import { consentOf, keepChoice, keptChoice, type Choice } from "./consent.ts";
import { find, make } from "./dom.ts";

let banner: HTMLElement | null = null;

export function startConsent(): void {
  find("[data-test=consent-open]").addEventListener("click", open);
  find("[data-test=consent-withdraw]").addEventListener("click", () => choose("denied", "Withdrawn. What this browser held is erased."));
  // A no in another tab holds here too, and is not asked for again.
  client.on("consent", ({ measurement }) => measurement === "denied" && answered("denied"));
  showWithdraw(keptChoice(localStorage));
  if (keptChoice(localStorage) === null) open();
}

function open(): void {
  if (banner) return;
  const answer = (test: string, text: string, choice: Choice) =>
    make("button", { type: "button", class: "button", test, onclick: () => choose(choice, "") }, text);
  banner = make(
    "section",
    { class: "consent", test: "consent" },
    make("h2", { id: "consent" }, "May we learn from your visit?"),
    make(
      "p",
      {},
      "Measurement counts, under a random number, what was shown and whether it helped. Personalization also lets device, " +
        "country and cart decide what you see. The shop works either way.",
    ),
  );
  if (asksForPrivacy()) {
    banner.append(make("p", { class: "gpc" }, "Your browser asks not to be profiled, so nothing is personalized whatever you choose."));
  }
  banner.append(
    make(
      "div",
      { class: "answers" },
      answer("consent-deny", "Deny", "denied"),
      answer("consent-measure", "Measurement only", "measurement"),
      answer("consent-accept", "Accept all", "all"),
    ),
  );
  banner.setAttribute("aria-labelledby", "consent");
  // Before everything else, so that the keyboard meets it first.
  document.body.prepend(banner);
}

function choose(choice: Choice, message: string): void {
  client.setConsent(consentOf(choice));
  keepChoice(localStorage, choice);
  answered(choice);
  if (message) say(message);
}

function answered(choice: Choice): void {
  banner?.remove();
  banner = null;
  showWithdraw(choice);
}

function showWithdraw(choice: Choice | null): void {
  find("[data-test=consent-withdraw]").hidden = choice === null || choice === "denied";
}

function say(message: string): void {
  const note = make("p", { class: "toast", role: "status" }, message);
  document.body.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Global Privacy Control. */
function asksForPrivacy(): boolean {
  return (navigator as Navigator & { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
}
