/** What a comparison with the control says. The collector writes the words; here they are only told good from bad. */

import type { Contrast, Guardrail } from "./wire.ts";

export type Leaning = "better" | "worse" | "open" | "waiting";

export interface Verdict {
  leaning: Leaning;
  text: string;
}

export function verdict(contrast: Contrast): Verdict {
  const leanings = { more: "better", less: "worse", open: "open" } as const;
  const leaning = contrast.estimate === null ? "waiting" : leanings[contrast.verdict];
  return { leaning, text: contrast.sentence };
}

/** A breach is worse than bad news: it has already had its consequence. */
export function guardrailLeaning({ state }: Guardrail): Leaning {
  return { holds: "better", near: "open", breached: "worse" }[state] as Leaning;
}
