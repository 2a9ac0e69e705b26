/** One experiment: the sentence first, then the evidence behind it. */

import * as format from "../format.ts";
import { definition } from "../measure.ts";
import type { Experiment } from "../wire.ts";
import { ExperimentActions } from "./experiment-actions.tsx";
import { NoVisitor } from "./empty.tsx";
import { Segments } from "./segments.tsx";
import { Sentence } from "./sentence.tsx";
import { ShareChart } from "./share-chart.tsx";
import { VariantTable } from "./variant-table.tsx";
import { Verdicts } from "./verdicts.tsx";

const POLICY: Record<string, string> = {
  fixed: "Fixed split",
  thompson: "Tilts by segment",
  contextual: "Tilts by context",
  "best-arm": "Looks for the best",
};

export function ExperimentCard({ experiment }: { experiment: Experiment }) {
  const id = `experiment-${experiment.key}`;
  const { matured, provisional } = experiment.units;
  const silent = matured + provisional === 0 && experiment.shareHistory.t.length === 0;
  return (
    <section class="card experiment" aria-labelledby={id} data-test={id}>
      <header class="experiment-head">
        <div>
          <h2 id={id}>{experiment.name}</h2>
          <p class="meta">
            <PhaseLabel experiment={experiment} />
            <span title={`policy ${experiment.policy}`}>{POLICY[experiment.policy] ?? format.title(experiment.policy)}</span>
            <span>{definition(experiment.metric)}</span>
          </p>
        </div>
        <ExperimentActions experiment={experiment} />
      </header>
      {silent ? (
        <NoVisitor experiment={experiment.key} />
      ) : (
        <>
          <Sentence experiment={experiment} />
          <Verdicts experiment={experiment} />
          <div class="evidence">
            <ShareChart experiment={experiment} />
            <VariantTable experiment={experiment} />
          </div>
          <Segments experiment={experiment} />
          <Counted experiment={experiment} />
        </>
      )}
    </section>
  );
}

function PhaseLabel({ experiment }: { experiment: Experiment }) {
  const text = {
    running: "Running",
    paused: `Paused: everybody sees ${format.title(experiment.control)}`,
    decided: `Decided: everybody sees ${format.title(experiment.winner ?? experiment.control)}`,
  }[experiment.phase];
  return <span class={`phase phase-${experiment.phase}`}>{text}</span>;
}

function Counted({ experiment }: { experiment: Experiment }) {
  const { matured, provisional } = experiment.units;
  return (
    <p class="footnote">
      <span class="figure">{format.count(matured)}</span> {format.words(experiment.unit)}s count for good;{" "}
      <span class="figure">{format.count(provisional)}</span> are provisional, because they may still act or their news come late.
    </p>
  );
}
