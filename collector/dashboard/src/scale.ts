/** The shared axis of a group of intervals: round ends, a few round ticks, never below zero for what cannot be. */

import type { MaybeInterval } from "./wire.ts";

export interface Scale {
  low: number;
  high: number;
  ticks: number[];
  /** Position on the axis, 0 to 1, held inside. */
  at(x: number): number;
}

export function scaleOf(intervals: readonly MaybeInterval[], wantedTicks = 4): Scale | null {
  const values = intervals.flatMap(({ estimate, low, high }) => [estimate, low, high].filter((x) => x !== null));
  if (values.length === 0) return null;
  const least = Math.min(...values);
  const most = Math.max(...values);
  const spread = most - least || Math.abs(most) || 1;
  const step = niceStep((spread * 1.1) / wantedTicks);
  const low = least >= 0 ? Math.max(0, floorTo(least - spread * 0.04, step)) : floorTo(least, step);
  const high = ceilTo(most + spread * 0.04, step);
  const ticks: number[] = [];
  for (let i = 0; low + i * step <= high + step / 2; i++) ticks.push(tidy(low + i * step));
  return { low, high, ticks, at: (x) => Math.min(1, Math.max(0, (x - low) / (high - low))) };
}

/** The least of 1, 2, 5 times a power of ten that is not below `raw`. */
export function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return tidy((lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power);
}

function floorTo(x: number, step: number): number {
  return tidy(Math.floor(x / step) * step);
}

function ceilTo(x: number, step: number): number {
  return tidy(Math.ceil(x / step) * step);
}

/** Takes the dust off binary fractions: 0.30000000000000004 is 0.3. */
function tidy(x: number): number {
  return Number(x.toPrecision(12));
}
