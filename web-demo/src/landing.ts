/** The landing page: one headline of three, and a letter to sign up for. */

import { client, decide, readyOrLate } from "./client.ts";
import { LAMPS, euros } from "./catalogue.ts";
import { find, make } from "./dom.ts";
import { startFrame } from "./frame.ts";
import { heroOf } from "./values.ts";
import { drawLamp } from "./lamp.ts";
import { offerWhy } from "./why.ts";

startFrame();
showLamps();
void showHero();

async function showHero(): Promise<void> {
  const place = find("[data-hero]");
  await readyOrLate();
  const decision = decide("hero", null, place);
  const hero = heroOf(decision.value);
  if (hero) {
    find("[data-headline]").textContent = hero.headline;
    find("[data-text]").textContent = hero.text;
    find("[data-test=signup]").textContent = hero.button;
  }
  offerWhy("hero", decision);
  find("[data-signup]").addEventListener("submit", signUp);
}

/** The address stays in the page: the demo has no letter to send. */
function signUp(event: Event): void {
  event.preventDefault();
  client.track("signup");
  find<HTMLButtonElement>("[data-test=signup]").disabled = true;
  find("[data-signed-up]").textContent = "Thank you. The letter would be on its way, if there were one.";
}

function showLamps(): void {
  for (const lamp of LAMPS) {
    const link = make("a", { href: `/product.html?lamp=${lamp.key}`, test: `lamp-${lamp.key}` });
    link.append(drawLamp(lamp.key), make("strong", {}, lamp.name), make("span", { class: "soft" }, euros(lamp.price)));
    find("[data-lamps]").append(make("li", {}, link));
  }
}
