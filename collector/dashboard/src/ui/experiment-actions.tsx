import type { Experiment } from "../wire.ts";
import { ask } from "./confirm.tsx";

export function ExperimentActions({ experiment }: { experiment: Experiment }) {
  const { key, phase } = experiment;
  return (
    <div class="actions" role="group" aria-label={`Actions for ${experiment.name}`}>
      {phase === "running" ? (
        <button type="button" class="button" data-test={`pause-${key}`} onClick={() => ask({ action: "pause", experiment })}>
          Pause…
        </button>
      ) : null}
      {phase === "paused" ? (
        <button type="button" class="button" data-test={`resume-${key}`} onClick={() => ask({ action: "resume", experiment })}>
          Resume…
        </button>
      ) : null}
      {phase === "decided" ? (
        <button type="button" class="button" data-test={`lift-${key}`} onClick={() => ask({ action: "lift", experiment })}>
          Lift the decision…
        </button>
      ) : (
        <button
          type="button"
          class="button"
          data-test={`declare-${key}`}
          onClick={() => ask({ action: "declare-winner", experiment })}
        >
          Declare a winner…
        </button>
      )}
    </div>
  );
}
