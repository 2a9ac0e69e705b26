/** A dot on a bar: the estimate, and the range around it. Positions are percentages, so it fits any width. */

import type { Scale } from "../scale.ts";

interface BarProps {
  scale: Scale;
  low: number;
  estimate: number;
  high: number;
  tone: number;
}

export function IntervalBar({ scale, low, estimate, high, tone }: BarProps) {
  const at = (x: number) => `${(scale.at(x) * 100).toFixed(2)}%`;
  return (
    <svg class={`interval v${tone}`} height="22" aria-hidden="true" focusable="false">
      {scale.ticks.map((tick) => (
        <line key={tick} class="grid" x1={at(tick)} x2={at(tick)} y1="0" y2="22" />
      ))}
      <line class="range" x1={at(low)} x2={at(high)} y1="11" y2="11" />
      <line class="core" x1={at(low)} x2={at(low)} y1="6" y2="16" />
      <line class="core" x1={at(high)} x2={at(high)} y1="6" y2="16" />
      <circle cx={at(estimate)} cy="11" r="5" />
    </svg>
  );
}

export function IntervalAxis({ scale, label }: { scale: Scale; label: (x: number) => string }) {
  return (
    <div class="axis" aria-hidden="true">
      {scale.ticks.map((tick) => (
        <span key={tick} style={{ left: `${scale.at(tick) * 100}%` }}>
          {label(tick)}
        </span>
      ))}
    </div>
  );
}
