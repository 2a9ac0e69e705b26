/** Who sees what, and what comes of it: a row for each kind of visitor, in the same colours as everywhere. */

import * as format from "../format.ts";
import { reading } from "../measure.ts";
import type { Experiment, Segment } from "../wire.ts";

/** Wider tables are read by nobody: then the bar says it alone. */
const MAX_COLUMNS = 4;

export function Segments({ experiment }: { experiment: Experiment }) {
  const { segments, unnamed, variants } = experiment;
  if (segments.length + unnamed.length === 0) return null;
  const columns = variants.length <= MAX_COLUMNS ? variants : [];
  const attributes = new Set(segments.map(({ attribute }) => attribute));
  return (
    <div class="segments">
      <h3>Who sees what</h3>
      {segments.length > 0 ? (
        <div class="wide" tabIndex={0} role="region" aria-label={`Who sees what in ${experiment.name}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Visitors</th>
                <th scope="col" class="number">
                  Counted
                </th>
                <th scope="col" class="split">
                  Split now
                </th>
                {columns.map((variant) => (
                  <th key={variant.key} scope="col" class="number">
                    {format.title(variant.key)}
                  </th>
                ))}
              </tr>
            </thead>
            {[...attributes].map((attribute) => (
              <tbody key={attribute}>
                <tr>
                  <th scope="rowgroup" colSpan={3 + columns.length} class="group">
                    By {format.words(attribute)}
                  </th>
                </tr>
                {segments
                  .filter((segment) => segment.attribute === attribute)
                  .map((segment) => (
                    <Row key={segment.label} experiment={experiment} segment={segment} columns={columns} />
                  ))}
              </tbody>
            ))}
          </table>
        </div>
      ) : null}
      {segments.length > 0 ? (
        <p class="footnote">
          The split is that of the newest visitors; below each share is what came of those whose window has closed, as counted and not corrected for the tilt: which
          variant is better, the table above says.
        </p>
      ) : null}
      {unnamed.length > 0 ? (
        <p class="footnote">
          Nothing to show by {unnamed.map(format.words).join(", ")}: list the values in the experiment file, as in{" "}
          <code>{`{ name = "${unnamed[0]}", values = ["…"] }`}</code>.
        </p>
      ) : null}
    </div>
  );
}

function Row({ experiment, segment, columns }: { experiment: Experiment; segment: Segment; columns: Experiment["variants"] }) {
  const { metric, variants } = experiment;
  const { shares, rates } = segment;
  const share = (key: string) => format.share(shares[key] ?? 0);
  const isShown = Object.keys(shares).length > 0;
  return (
    <tr>
      <th scope="row">{segment.label}</th>
      <td class="number">{format.count(segment.units)}</td>
      <td class="split">
        {isShown ? (
          <span class="bar" aria-hidden="true">
            {variants.map((variant, index) => (
              <span key={variant.key} class={`v${index % 8}`} style={{ flexGrow: shares[variant.key] ?? 0 }} />
            ))}
          </span>
        ) : (
          <span class="soft">nobody lately</span>
        )}
        {isShown && columns.length === 0 ? (
          <span class="unseen">{variants.map((variant) => `${format.title(variant.key)} ${share(variant.key)}`).join(", ")}</span>
        ) : null}
      </td>
      {columns.map(({ key }) => (
        <td key={key} class="number">
          <span class="strong">{isShown ? share(key) : "–"}</span>
          <span class="of">{rates[key] === undefined ? "waiting" : reading(metric, rates[key])}</span>
        </td>
      ))}
    </tr>
  );
}
