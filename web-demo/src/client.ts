/** The page's one Tiltwise client, and the few rules by which the shop uses it. */

import { createClient, type Client, type Json, type Variant } from "tiltwise";
import { readCart, valueOf } from "./cart.ts";
import { readConfig } from "./config.ts";
import { consentOf, keptChoice } from "./consent.ts";
import { visitOf, type Visit } from "./context.ts";

export type Decision = Variant;

/** How long a first visit waits for weights before it shows the fallback; later visits have them in store. */
const PATIENCE_MS = 800;

const config = readConfig(window);

export const client: Client = createClient({
  url: config.url,
  publicKeys: config.publicKeys,
  context: visit(),
  consent: consentOf(keptChoice(localStorage)),
  ...(config.bootstrap === undefined ? {} : { bootstrap: config.bootstrap }),
});

client.on("error", (error) => console.warn(`tiltwise: ${error.message}`));

/** For the console: `tiltwise.explain("hero")`. */
Object.assign(window, { tiltwise: client });

export function visit(): Visit {
  const narrow = matchMedia("(max-width: 40rem)").matches;
  return visitOf(narrow, navigator.language, new URL(location.href), valueOf(readCart(sessionStorage)));
}

/** Waits until the client can decide by its model, or until a visitor should wait no longer. */
export async function readyOrLate(): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.race([client.ready(), late]);
}

/** Decides, and notes on the element what was decided and by what. */
export function decide(key: string, fallback: Json, element: HTMLElement): Decision {
  const decision = client.variant(key, { fallback });
  Object.assign(element.dataset, {
    variant: decision.key ?? "",
    source: decision.source,
    model: decision.modelVersion ?? "",
    propensity: String(decision.propensity ?? ""),
  });
  element.removeAttribute("aria-busy");
  return decision;
}
