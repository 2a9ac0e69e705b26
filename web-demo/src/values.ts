/** Variant values as the shop understands them. What it does not understand leaves the page as it was built. */

export interface Hero {
  headline: string;
  text: string;
  button: string;
}

export function heroOf(value: unknown): Hero | null {
  const { headline, text, button } = (value ?? {}) as Partial<Record<keyof Hero, unknown>>;
  if (typeof headline !== "string" || typeof text !== "string" || typeof button !== "string") return null;
  return { headline, text, button };
}

/** The offer's text; empty where there is none. */
export function offerOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function buttonColourOf(value: unknown): "green" | "black" {
  return value === "black" ? "black" : "green";
}
