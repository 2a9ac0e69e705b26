/** Every variant with its share, its reading and the range that reading lies in, all on one axis. */

import * as format from "../format.ts";
import { glimpse } from "../glimpse.ts";
import { harvest, heading, reading } from "../measure.ts";
import { scaleOf, type Scale } from "../scale.ts";
import type { Experiment, Metric, Variant } from "../wire.ts";
import { ask } from "./confirm.tsx";
import { IntervalBar, IntervalAxis } from "./interval-bar.tsx";

export function VariantTable({ experiment }: { experiment: Experiment }) {
  const { metric, variants } = experiment;
  const scale = scaleOf(variants.map((variant) => variant.rate));
  return (
    <div class="panel">
      <table class="variants">
        <caption>{heading(metric)}, and the range it likely lies in</caption>
        <thead>
          <tr>
            <th scope="col">Variant</th>
            <th scope="col" class="number">
              Gets
            </th>
            <th scope="col" class="number">
              {format.title(metric.event)}
            </th>
            <th scope="col" class="reading">
              {metric.kind === "rate" ? "Rate" : "Average"}
            </th>
            <th scope="col">
              <span class="unseen">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {variants.map((variant, index) => (
            <VariantRow key={variant.key} experiment={experiment} variant={variant} index={index} scale={scale} />
          ))}
        </tbody>
        {scale ? (
          <tfoot aria-hidden="true">
            <tr>
              <td colSpan={3} />
              <td class="reading">
                <IntervalAxis scale={scale} label={(x) => tick(metric, x)} />
              </td>
              <td />
            </tr>
          </tfoot>
        ) : null}
      </table>
    </div>
  );
}

interface RowProps {
  experiment: Experiment;
  variant: Variant;
  index: number;
  scale: Scale | null;
}

function VariantRow({ experiment, variant, index, scale }: RowProps) {
  const { metric } = experiment;
  const { estimate, low, high } = variant.rate;
  const shown = glimpse(variant.value);
  return (
    <tr class={variant.stopped ? "stopped" : undefined}>
      <th scope="row">
        <span class="who">
          <span class={`swatch v${index % 8}`} aria-hidden="true" />
          <span class="name">
            {format.title(variant.key)}
            {variant.key === experiment.control ? <span class="tag">control</span> : null}
            {variant.stopped ? <span class="tag">stopped</span> : null}
            {shown ? (
              <span class="value" title={JSON.stringify(variant.value)}>
                {shown}
              </span>
            ) : null}
          </span>
        </span>
      </th>
      <td class="number strong" data-label="Gets">
        {format.share(variant.share)}
      </td>
      <td class="number" data-label={format.title(metric.event)}>
        {harvest(metric, variant)}
        <span class="of">
          {" "}
          {metric.kind === "rate" ? "of" : "from"} {format.count(variant.units)}
        </span>
      </td>
      <td class="reading">
        {estimate === null ? <span class="soft">waiting for the first full window</span> : <span class="strong">{reading(metric, estimate)}</span>}
        {estimate !== null && low !== null && high !== null && scale ? (
          <>
            <span class="of">
              {reading(metric, low)} to {reading(metric, high)}
            </span>
            <IntervalBar scale={scale} low={low} estimate={estimate} high={high} tone={index % 8} />
          </>
        ) : null}
      </td>
      <td class="act">
        <StopButton experiment={experiment} variant={variant} />
      </td>
    </tr>
  );
}

function StopButton({ experiment, variant }: { experiment: Experiment; variant: Variant }) {
  // The control is what everybody falls back to, and a decided experiment shows one variant anyway.
  if (experiment.phase === "decided" || variant.key === experiment.control) return null;
  const action = variant.stopped ? "start-variant" : "stop-variant";
  const verb = variant.stopped ? "Start" : "Stop";
  return (
    <button
      type="button"
      class="button button-quiet"
      data-test={`${verb.toLowerCase()}-${experiment.key}-${variant.key}`}
      aria-label={`${verb} ${format.title(variant.key)}…`}
      onClick={() => ask({ action, experiment, variant: variant.key })}
    >
      {verb}…
    </button>
  );
}

/** Ticks are round, so zeros after the point say nothing. */
function tick(metric: Metric, x: number): string {
  return reading(metric, x).replace(/\.0+(?=\u202f|$)/, "");
}
