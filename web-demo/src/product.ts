/** A lamp's page: the offer beside its price, the cart, and the button that buys. */

import { readCart, valueOf, withOneMore, writeCart, type Cart } from "./cart.ts";
import { LAMPS, euros, lampOf } from "./catalogue.ts";
import { client, decide, readyOrLate, visit } from "./client.ts";
import { find, make } from "./dom.ts";
import { showBasket, startFrame } from "./frame.ts";
import { drawLamp } from "./lamp.ts";
import { buttonColourOf, offerOf } from "./values.ts";
import { offerWhy } from "./why.ts";

const lamp = lampOf(new URL(location.href).searchParams.get("lamp"));

startFrame();
showLamp();
find("[data-test=add-to-cart]").addEventListener("click", addToCart);
find("[data-checkout]").addEventListener("submit", fillOrder);
void decideAll();

async function decideAll(): Promise<void> {
  await readyOrLate();
  const place = find("[data-badge]");
  const decision = decide("badge", "", place);
  const offer = offerOf(decision.value);
  place.textContent = offer;
  place.hidden = offer === "";
  offerWhy("badge", decision);
  showCart(readCart(sessionStorage));
}

function showLamp(): void {
  document.title = `${lamp.name}, a lamp of Ember & Oak`;
  find("[data-name]").textContent = lamp.name;
  find("[data-about]").textContent = lamp.about;
  find("[data-price]").textContent = euros(lamp.price);
  drawLamp(lamp.key, find<SVGSVGElement>("[data-picture]"));
}

function addToCart(): void {
  client.track("add_to_cart");
  const cart = withOneMore(readCart(sessionStorage), lamp.key);
  writeCart(sessionStorage, cart);
  client.setContext(visit());
  showBasket();
  showCart(cart);
}

/** Nobody takes part in the button's experiment before there is a button to see. */
function showCart(cart: Cart): void {
  const value = valueOf(cart);
  if (value === 0) return;
  const place = find("[data-cart]");
  const button = find("[data-test=buy]");
  if (place.hidden) {
    place.hidden = false;
    const decision = decide("checkout", "green", button);
    button.classList.add(buttonColourOf(decision.value));
    offerWhy("checkout", decision);
  }
  button.textContent = `Buy now for ${euros(value)}`;
  const line = ({ key, name, price }: (typeof LAMPS)[number]) =>
    make("li", {}, `${cart[key]} × ${name}`, make("span", {}, euros(price * (cart[key] ?? 0))));
  find("[data-lines]").replaceChildren(...LAMPS.filter(({ key }) => cart[key]).map(line));
}

/** The order goes to the shop's own server, which reports the purchase; the client names the visitor only where measurement is granted. */
function fillOrder(event: Event): void {
  const form = event.currentTarget as HTMLFormElement;
  const set = (name: string, text: string) => (find<HTMLInputElement>(`[name=${name}]`, form).value = text);
  set("order", orderNumber());
  set("value", String(valueOf(readCart(sessionStorage))));
  set("visitor", client.visitorId() ?? "");
}

function orderNumber(): string {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return `EO-${Array.from(random, (n) => n.toString(36).toUpperCase().padStart(7, "0")).join("")}`;
}
