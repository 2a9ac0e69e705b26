/** How the machine feels: each number with the one line that says what it means. */

import type { ComponentChildren } from "preact";
import * as format from "../format.ts";
import { eventRates } from "../recent.ts";
import type { ModelInfo, Quantiles, State } from "../wire.ts";
import { Age } from "./age.tsx";
import { Sparkline } from "./sparkline.tsx";

export function HealthSection({ state }: { state: State }) {
  const { health, model } = state;
  return (
    <section class="card health" aria-labelledby="health">
      <header class="experiment-head">
        <div>
          <h2 id="health">The river</h2>
          <p class="meta">
            <span class={health.status === "ok" ? "phase phase-running" : "phase phase-degraded"}>
              {health.status === "ok" ? "All well" : "Needs attention"}
            </span>
            <span>{state.company?.sentence ?? "From a click in a page to new weights in every page"}</span>
          </p>
        </div>
      </header>
      <dl class="tiles">
        <Tile name="Events a second" value={format.count(health.eventsPerSecond)} note={`${format.count(health.acceptedTotal)} accepted, ${format.count(health.duplicateTotal)} sent twice and counted once`}>
          <Sparkline values={eventRates.value} />
        </Tile>
        <Tile name="Event to new model" {...spread(health.eventToSnapshotMs)} />
        <Tile name="Commit to disk" {...spread(health.commitMs)} />
        <Tile name="Learner behind the log" value={format.duration(health.lagMs)} note={model && model.foldedThroughMs > 0 ? <>Last folded <Age since={model.foldedThroughMs} /> ago; a fit takes {format.duration(health.fitMs)}</> : "Nothing folded yet"} />
        <Tile name="Pages connected" value={format.count(health.streamClients)} note="Each gets a new model as soon as there is one" />
        <Tile name="Log on disk" value={format.bytes(health.logBytes)} note="Everything else can be rebuilt from it" />
      </dl>
      <div class="columns">
        <Rejects rejected={health.rejected} />
        <NewestModel model={model} />
      </div>
    </section>
  );
}

function NewestModel({ model }: { model: ModelInfo | null }) {
  return (
    <div>
      <h3>Newest model</h3>
      {model ? (
        <>
          <p>
            Version <span class="figure strong">{model.version}</span>, published <Age since={model.publishedMs} /> ago
          </p>
          <p class="soft hash">
            <code title="SHA-256 of the snapshot's content">{model.hash}</code>
          </p>
        </>
      ) : (
        <p class="soft">None yet. The first is published as soon as there is an experiment to decide.</p>
      )}
    </div>
  );
}

/** The median and the slow end; of nothing measured yet, no zero is claimed. */
function spread({ p50, p99 }: Quantiles): { value: string; note: string } {
  if (p99 === 0) return { value: "–", note: "Nothing to measure yet" };
  return { value: format.duration(p50), note: `99 of 100 within ${format.duration(p99)}` };
}

interface TileProps {
  name: string;
  value: string;
  note: ComponentChildren;
  children?: ComponentChildren;
}

function Tile({ name, value, note, children }: TileProps) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd class="tile-value">
        <span class="figure">{value}</span>
        {children}
      </dd>
      <dd class="tile-note">{note}</dd>
    </div>
  );
}

function Rejects({ rejected }: { rejected: Record<string, number> }) {
  const reasons = Object.entries(rejected)
    .filter(([, n]) => n > 0)
    .sort(([, a], [, b]) => b - a);
  return (
    <div>
      <h3>Refused at the gate</h3>
      {reasons.length === 0 ? (
        <p class="soft">Nothing was refused. A bad event would be named here with its reason, and never fails the batch it came in.</p>
      ) : (
        <table class="rejects">
          <thead class="unseen">
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">Events</th>
            </tr>
          </thead>
          <tbody>
            {reasons.map(([reason, n]) => (
              <tr key={reason}>
                <th scope="row">{format.words(reason)}</th>
                <td class="number">{format.count(n)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
