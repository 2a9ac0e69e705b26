/** What the shop sells. */

export interface Lamp {
  key: string;
  name: string;
  about: string;
  /** Whole euros. */
  price: number;
}

export const LAMPS: readonly [Lamp, ...Lamp[]] = [
  { key: "arc", name: "Arc", about: "A reading lamp that leans where you do. Oiled oak, brass joint, linen shade.", price: 149 },
  { key: "reed", name: "Reed", about: "A floor lamp as thin as a reed, for the corner that was always dark.", price: 240 },
  { key: "pebble", name: "Pebble", about: "A small light for the shelf; warm enough to leave on.", price: 39 },
];

export function lampOf(key: string | null): Lamp {
  return LAMPS.find((lamp) => lamp.key === key) ?? LAMPS[0];
}

export function euros(amount: number): string {
  return new Intl.NumberFormat("en", { style: "currency", currency: "EUR", maximumFractionDigits: 0 }).format(amount);
}
