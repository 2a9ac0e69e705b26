import { link } from "../stream.ts";
import type { State } from "../wire.ts";
import { Age } from "./age.tsx";
import { Mark } from "./mark.tsx";

export function Masthead({ state }: { state: State }) {
  const live = link.value === "live";
  return (
    <header class="masthead">
      <h1 class="wordmark">
        <Mark />
        Tiltwise <span class="site">{state.site}</span>
      </h1>
      <p class="freshness">
        <span class={live ? "pulse" : "pulse pulse-lost"} aria-hidden="true" />
        <span>{live ? "Live" : "Reconnecting"}</span>
        {state.model ? (
          <span class="model" title={`Snapshot ${state.model.hash}`}>
            Model <span class="figure">{state.model.version}</span>, <Age since={state.model.publishedMs} /> old
          </span>
        ) : (
          <span class="model">No model yet</span>
        )}
      </p>
    </header>
  );
}
