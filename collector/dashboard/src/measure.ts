/** How an experiment's metric is written: as a rate in percent, as money, or as a plain amount. */

import * as format from "./format.ts";
import type { Metric, Variant } from "./wire.ts";

/** One reading: "13.2 %", "€4.10". */
export function reading(metric: Metric, x: number): string {
  if (metric.kind === "rate") return format.rate(x);
  return metric.currency ? format.money(x, metric.currency) : format.amount(x);
}

/** A difference between two readings, signed: "+3.4 points", "+€0.35". */
export function difference(metric: Metric, x: number): string {
  if (metric.kind === "rate") return format.points(x);
  return metric.currency ? format.signedMoney(x, metric.currency) : format.signedAmount(x);
}

/** A range of differences, the unit said once: "1.1 to 5.7". */
export function range(metric: Metric, low: number, high: number): string {
  const bare = (x: number) => difference(metric, x).replace(/\u202fpoints$/, "");
  return `${bare(low)} to ${bare(high)}`;
}

/** What a variant has brought in all: conversions, or a sum. */
export function harvest(metric: Metric, variant: Pick<Variant, "conversions" | "total">): string {
  if (metric.kind === "rate") return format.count(variant.conversions);
  return metric.currency ? format.wholeMoney(variant.total, metric.currency) : format.count(variant.total);
}

/** What the column of readings is called. */
export function heading(metric: Metric): string {
  return metric.kind === "rate" ? `${format.title(metric.event)} rate` : `${format.title(metric.event)} per visitor`;
}

/** "signup within 30 min", "purchase within 7 days, at most €500.00 counted". */
export function definition(metric: Metric): string {
  const base = `${format.words(metric.event)} within ${format.duration(metric.windowMs)}`;
  if (metric.cap === null) return base;
  const cap = metric.currency ? format.money(metric.cap, metric.currency) : format.amount(metric.cap);
  return `${base}, at most ${cap.replace(/\.00$/, "")} counted`;
}
