/** Share of visitors over time, stacked, with a legend that reads out the moment under the pointer or the arrow keys. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import * as format from "../format.ts";
import { sharesAt, stack } from "../stack.ts";
import type { Experiment } from "../wire.ts";
import { createSharePlot } from "./share-plot.ts";

export function ShareChart({ experiment }: { experiment: Experiment }) {
  const { shareHistory, variants } = experiment;
  const keys = variants.map((variant) => variant.key);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const pointed = useSignal<number | null>(null);
  const identity = keys.join("\n");
  const enough = shareHistory.t.length > 1;

  useEffect(() => {
    if (!host.current || !enough) return;
    const handle = createSharePlot(host.current, keys.length, (index) => (pointed.value = index));
    plot.current = handle.plot;
    return () => {
      plot.current = null;
      handle.destroy();
    };
  }, [identity, enough]);

  useEffect(() => {
    // Highest first: each lower area is painted over the one before.
    plot.current?.setData([shareHistory.t, ...stack(shareHistory, keys).reverse()]);
  }, [shareHistory, identity, enough]);

  const last = shareHistory.t.length - 1;
  const index = pointed.value === null ? last : Math.min(pointed.value, last);
  const shares = sharesAt(shareHistory, keys, index);
  const when = shareHistory.t[index];
  const spoken = keys.map((key, i) => `${format.title(key)} ${format.share(shares[i] ?? 0)}`).join(", ");

  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -last, End: last }[event.key];
    if (event.key === "Escape") pointed.value = null;
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(last, index + step));
    pointed.value = next;
    const x = shareHistory.t[next];
    if (plot.current && x !== undefined) plot.current.setCursor({ left: plot.current.valToPos(x, "x"), top: 10 });
  };

  return (
    <figure class="panel share">
      <figcaption>
        Share of visitors over time
        <span class="when figure">{pointed.value !== null && when !== undefined ? format.moment(when, 1000) : "now"}</span>
      </figcaption>
      <ul class="legend" aria-hidden="true">
        {keys.map((key, i) => (
          <li key={key}>
            <span class={`swatch v${i % 8}`} />
            {format.title(key)} <span class="figure strong">{format.share(shares[i] ?? 0)}</span>
          </li>
        ))}
      </ul>
      {enough ? (
        <div
          ref={host}
          class="plot"
          role="slider"
          tabIndex={0}
          aria-label="Share of visitors over time; the arrow keys read it moment by moment"
          aria-valuemin={0}
          aria-valuemax={last}
          aria-valuenow={index}
          aria-valuetext={`${when === undefined ? "" : format.moment(when, 1000)}: ${spoken}`}
          onKeyDown={move}
        />
      ) : (
        <p class="soft plot-empty">The line begins with the second moment; there has been one so far.</p>
      )}
    </figure>
  );
}
