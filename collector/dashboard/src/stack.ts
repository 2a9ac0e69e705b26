/** Shares of traffic, one on top of the other, as the area chart draws them. */

import type { ShareHistory } from "./wire.ts";

/** Cumulative series in the order of `keys`: the last one is the top. A missing share counts as none. */
export function stack(history: ShareHistory, keys: readonly string[]): number[][] {
  const sum = history.t.map(() => 0);
  return keys.map((key) => {
    const series = history.shares[key];
    return sum.map((below, i) => (sum[i] = below + (series?.[i] ?? 0)));
  });
}

/** The shares at one point in time, in the order of `keys`. */
export function sharesAt(history: ShareHistory, keys: readonly string[], index: number): number[] {
  return keys.map((key) => history.shares[key]?.[index] ?? 0);
}
