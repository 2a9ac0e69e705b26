/** Where the traffic goes by kind of visitor: one bar a segment, the same colours as everywhere. */

import * as format from "../format.ts";
import type { Experiment } from "../wire.ts";

export function Segments({ experiment }: { experiment: Experiment }) {
  const { segments, variants } = experiment;
  if (segments.length === 0) return null;
  return (
    <div class="segments">
      <h3>Who sees what</h3>
      <dl>
        {segments.map((segment) => (
          <div key={segment.label}>
            <dt>{segment.label}</dt>
            <dd>
              <span class="bar" aria-hidden="true">
                {variants.map((variant, index) => (
                  <span key={variant.key} class={`v${index % 8}`} style={{ flexGrow: segment.shares[variant.key] ?? 0 }} />
                ))}
              </span>
              <span class="unseen">
                {variants.map((variant) => `${format.title(variant.key)} ${format.share(segment.shares[variant.key] ?? 0)}`).join(", ")}
              </span>
              <Lead shares={variants.map((variant) => ({ name: variant.key, share: segment.shares[variant.key] ?? 0 }))} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Lead({ shares }: { shares: { name: string; share: number }[] }) {
  const lead = shares.reduce((a, b) => (b.share > a.share ? b : a), { name: "", share: -1 });
  return (
    <span class="lead" aria-hidden="true">
      {format.title(lead.name)} <span class="figure">{format.share(lead.share)}</span>
    </span>
  );
}
