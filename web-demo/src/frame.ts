/** What every page has: the consent banner, the cart's count, signing in, and the model that the page holds. */

import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/pages.css";
import "./styles/consent.css";
import type { Update } from "tiltwise";
import { piecesIn, readCart } from "./cart.ts";
import { client } from "./client.ts";
import { startConsent } from "./consent-banner.ts";
import { find, make } from "./dom.ts";

/** Shared by everybody who tries the demo: an account is only a second name of the same visitor here. */
const ACCOUNT = "demo-account";
const SIGNED_IN = "shop.signed-in";

export function startFrame(): void {
  startConsent();
  showBasket();
  showAccount();
  client.on("update", showModel);
}

export function showBasket(): void {
  const pieces = piecesIn(readCart(sessionStorage));
  find("[data-basket]").textContent = pieces > 0 ? `Cart: ${pieces}` : "";
}

/** New weights arrive while the page is open; what is shown stays, the next choice uses them. */
function showModel({ version, verified }: Update): void {
  const place = find("[data-test=model]");
  place.textContent = verified ? `Model ${version}, signature verified` : `Model ${version}`;
  place.dataset.model = version;
}

function showAccount(): void {
  const signedIn = sessionStorage.getItem(SIGNED_IN) !== null;
  if (signedIn) client.identify(ACCOUNT);
  const button = signedIn
    ? make("button", { type: "button", class: "link", test: "logout", onclick: signOut }, "Sign out")
    : make("button", { type: "button", class: "link", test: "login", onclick: signIn }, "Sign in");
  find("[data-account]").replaceChildren(button);
}

function signIn(): void {
  sessionStorage.setItem(SIGNED_IN, "yes");
  showAccount();
}

/** On a shared device the next person is another visitor. */
function signOut(): void {
  sessionStorage.removeItem(SIGNED_IN);
  client.reset();
  showAccount();
}
