/** What the page knows about this visit, and says to the policy where personalization is allowed. */

export type Visit = {
  device: "mobile" | "desktop";
  country: string;
  cart_value: number;
};

/** `address` may name a country (`/?country=DE`), so that one machine can play visitors of many. */
export function visitOf(narrow: boolean, language: string, address: URL, cartValue: number): Visit {
  return { device: narrow ? "mobile" : "desktop", country: countryOf(language, address), cart_value: cartValue };
}

function countryOf(language: string, address: URL): string {
  const named = address.searchParams.get("country");
  if (named && /^[A-Za-z]{2}$/.test(named)) return named.toUpperCase();
  return /-([A-Za-z]{2})\b/.exec(language)?.[1]?.toUpperCase() ?? "US";
}
