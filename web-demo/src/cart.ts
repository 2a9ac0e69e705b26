/** The cart: how many of which lamp. It lives as long as the tab, and only from the first lamp on. */

import { LAMPS } from "./catalogue.ts";

export type Cart = Record<string, number>;

const KEY = "shop.cart";

export function readCart(storage: Pick<Storage, "getItem">): Cart {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "{}");
    return Object.fromEntries(Object.entries(kept ?? {}).filter(([key, n]) => isLamp(key) && Number.isInteger(n) && n > 0));
  } catch {
    return {};
  }
}

export function writeCart(storage: Pick<Storage, "setItem">, cart: Cart): void {
  storage.setItem(KEY, JSON.stringify(cart));
}

export function emptyCart(storage: Pick<Storage, "removeItem">): void {
  storage.removeItem(KEY);
}

export function withOneMore(cart: Cart, lamp: string): Cart {
  return { ...cart, [lamp]: (cart[lamp] ?? 0) + 1 };
}

export function valueOf(cart: Cart): number {
  return LAMPS.reduce((sum, lamp) => sum + lamp.price * (cart[lamp.key] ?? 0), 0);
}

export function piecesIn(cart: Cart): number {
  return Object.values(cart).reduce((sum, n) => sum + n, 0);
}

function isLamp(key: string): boolean {
  return LAMPS.some((lamp) => lamp.key === key);
}
