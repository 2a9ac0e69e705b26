/** The page: who and how fresh, then every experiment, then how the machine feels. */

import { link, state } from "../stream.ts";
import { Boundary } from "./boundary.tsx";
import { ConfirmDialog } from "./confirm.tsx";
import { NoExperiment, SignedOut, Waiting } from "./empty.tsx";
import { ExperimentCard } from "./experiment.tsx";
import { HealthSection } from "./health.tsx";
import { Masthead } from "./masthead.tsx";
import { Notices } from "./notices.tsx";

export function App() {
  if (link.value === "signed-out") return <SignedOut />;
  const current = state.value;
  if (!current) return <Waiting />;
  return (
    <>
      <Masthead state={current} />
      <Notices health={current.health} />
      <main>
        {current.experiments.length === 0 ? <NoExperiment /> : null}
        {current.experiments.map((experiment) => (
          <Boundary key={experiment.key} name={experiment.name}>
            <ExperimentCard experiment={experiment} />
          </Boundary>
        ))}
        <HealthSection state={current} />
      </main>
      <ConfirmDialog />
    </>
  );
}
