import { gainText, verdict, type Leaning } from "../verdict.ts";
import type { Experiment } from "../wire.ts";

const SIGN: Record<Leaning, string> = { better: "▲", worse: "▼", open: "≈", waiting: "…" };

export function Verdicts({ experiment }: { experiment: Experiment }) {
  const { contrasts, gain, control, metric } = experiment;
  if (contrasts.length === 0 && !gain) return null;
  const verdicts = contrasts.map((contrast) => ({ ...contrast, ...verdict(contrast, control, metric) }));
  // A note that fits every line is said once, below them.
  const shared = verdicts.length > 1 && verdicts.every(({ note }) => note === verdicts[0]?.note);
  return (
    <ul class="verdicts">
      {verdicts.map(({ variant, method, leaning, text, note }) => (
        <li key={variant}>
          <span class={`leaning leaning-${leaning}`} aria-hidden="true">
            {SIGN[leaning]}
          </span>
          <span title={method ? `Method: ${method}` : undefined}>
            {text} {shared ? null : <span class="soft">{note}</span>}
          </span>
        </li>
      ))}
      {shared ? <li class="soft shared">{verdicts[0]?.note}</li> : null}
      {gain ? (
        <li>
          <span class="leaning" aria-hidden="true">
            Σ
          </span>
          <span>
            {gainText(gain, metric)} <span class="soft">Measured on the visitors who are kept on one.</span>
          </span>
        </li>
      ) : null}
    </ul>
  );
}
