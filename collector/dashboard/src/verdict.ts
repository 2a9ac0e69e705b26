/** What a comparison with the control says, in words that a marketer can repeat. */

import { title } from "./format.ts";
import { difference, range } from "./measure.ts";
import type { Contrast, Interval, Metric } from "./wire.ts";

export type Leaning = "better" | "worse" | "open" | "waiting";

export interface Verdict {
  leaning: Leaning;
  text: string;
  /** How far to trust it. */
  note: string;
}

export function verdict(contrast: Contrast, control: string, metric: Metric): Verdict {
  const { estimate, low, high } = contrast;
  const name = title(contrast.variant);
  const other = title(control);
  if (estimate === null || low === null || high === null) {
    return { leaning: "waiting", text: `${name} and ${other} cannot be compared yet.`, note: "Too few visitors have had their full window." };
  }
  const span = range(metric, low, high);
  const note = contrast.safe
    ? "Safe to read at any time."
    : "Not yet safe to decide on.";
  if (low > 0) return { leaning: "better", text: `${name} beats ${other} by ${unsigned(metric, estimate)} (${span}).`, note };
  if (high < 0) return { leaning: "worse", text: `${name} is behind ${other} by ${unsigned(metric, estimate)} (${span}).`, note };
  return { leaning: "open", text: `No clear difference between ${name} and ${other} so far (${span}${unit(metric)}).`, note };
}

/** The whole system against its comparison group, which stays on an even split. */
export function gainText(gain: Interval, metric: Metric): string {
  return `Tilting against an even split: ${difference(metric, gain.estimate)} (${range(metric, gain.low, gain.high)}).`;
}

function unsigned(metric: Metric, x: number): string {
  return difference(metric, Math.abs(x)).replace(/^\+/, "");
}

function unit(metric: Metric): string {
  return metric.kind === "rate" ? "\u202fpoints" : "";
}
