/** What is certain, line by line: the gain of the whole, each variant against the control, and what guards them. */

import { guardrailLeaning, verdict, type Leaning } from "../verdict.ts";
import type { Experiment } from "../wire.ts";

const SIGN: Record<Leaning, string> = { better: "▲", worse: "▼", open: "≈", waiting: "…" };

export function Verdicts({ experiment }: { experiment: Experiment }) {
  const { calibration, contrasts, drift, gains, guardrails, sampleRatio } = experiment;
  // What the sentence above has said already is not said twice.
  const whole = [gains.control, gains.evenSplit].filter((gain) => gain !== null).filter((gain) => !experiment.sentence.startsWith(gain.sentence));
  return (
    <ul class="verdicts">
      {drift && (
        <li data-test="drift">
          <span class="leaning leaning-worse" aria-hidden="true">
            ↯
          </span>
          <span>{drift.sentence}</span>
        </li>
      )}
      {whole.map((gain) => (
        <li key={gain.sentence}>
          <span class="leaning" aria-hidden="true">
            Σ
          </span>
          <span title={`Method: ${gain.method}`}>{gain.sentence}</span>
        </li>
      ))}
      {contrasts.map((contrast) => {
        const { leaning, text } = verdict(contrast);
        return (
          <li key={contrast.variant}>
            <span class={`leaning leaning-${leaning}`} aria-hidden="true">
              {SIGN[leaning]}
            </span>
            <span title={contrast.method ? `Method: ${contrast.method}` : undefined}>{text}</span>
          </li>
        );
      })}
      {guardrails.map((guardrail) => {
        const leaning = guardrailLeaning(guardrail);
        return (
          <li key={`${guardrail.event} ${guardrail.variant}`} data-test={`guardrail-${guardrail.state}`}>
            <span class={`leaning leaning-${leaning}`} aria-hidden="true">
              {leaning === "better" ? "✓" : SIGN[leaning]}
            </span>
            <span>{guardrail.sentence}</span>
          </li>
        );
      })}
      <li class={sampleRatio.breached ? undefined : "soft"} data-test={sampleRatio.breached ? "sample-ratio-breached" : "sample-ratio"}>
        <span class={sampleRatio.breached ? "leaning leaning-worse" : "leaning"} aria-hidden="true">
          {sampleRatio.breached ? "▼" : "✓"}
        </span>
        <span>{sampleRatio.sentence}</span>
      </li>
      <li class="soft" data-test="calibration">
        <span class="leaning" aria-hidden="true">
          ∕
        </span>
        <span>{calibration.sentence}</span>
      </li>
    </ul>
  );
}
