/** A ticking "now" by the collector's clock, for ages. Slow for people who asked for less motion. */

import { computed, signal } from "@preact/signals";
import { clockOffsetMs } from "./stream.ts";

const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const device = signal(Date.now());

export const now = computed(() => device.value + clockOffsetMs.value);

export function startClock(): void {
  const tick = (): void => {
    device.value = Date.now();
    setTimeout(tick, reduced.matches ? 1000 : 200);
  };
  tick();
}
