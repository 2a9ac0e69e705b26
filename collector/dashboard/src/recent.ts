/** The last minute of the event rate, as this page saw it. */

import { effect, signal } from "@preact/signals";
import { state } from "./stream.ts";

const KEPT = 60;

export const eventRates = signal<number[]>([]);

effect(() => {
  const rate = state.value?.health.eventsPerSecond;
  // Also when the rate is the same as before: every state is one second.
  if (rate !== undefined) eventRates.value = [...eventRates.peek().slice(1 - KEPT), rate];
});
