/** The uPlot behind the share chart: sizes with its host, and repaints when the colour scheme changes. */

import uPlot from "uplot";
import * as format from "../format.ts";

const HEIGHT = 240;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Distances between two marks of the time axis; uPlot's own jump from one minute to five leaves a short chart with one. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((n) => n * HOUR),
];

export interface SharePlot {
  plot: uPlot;
  destroy(): void;
}

export function createSharePlot(host: HTMLElement, variants: number, onPoint: (index: number | null) => void): SharePlot {
  const plot = new uPlot(options(host, variants, onPoint), [[], ...Array.from({ length: variants }, () => [])], host);
  const resize = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }));
  resize.observe(host);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => plot.redraw(false, true);
  scheme.addEventListener("change", repaint);
  return {
    plot,
    destroy() {
      resize.disconnect();
      scheme.removeEventListener("change", repaint);
      plot.destroy();
    },
  };
}

function options(host: HTMLElement, variants: number, onPoint: (index: number | null) => void): uPlot.Options {
  // Colours are asked for at every drawing, so that they follow the tokens.
  const token = (name: string) => () => getComputedStyle(host).getPropertyValue(name).trim();
  const areas = Array.from({ length: variants }, (_, i) => {
    const tone = (variants - 1 - i) % 8;
    return { fill: token(`--v${tone}-area`), stroke: token("--card"), width: 1.5, points: { show: false } };
  });
  const axis = { stroke: token("--soft"), font: `12px ${getComputedStyle(host).fontFamily}`, ticks: { show: false } };
  return {
    width: host.clientWidth,
    height: HEIGHT,
    ms: 1,
    // Room on the right for half of the last mark.
    padding: [6, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { y: { range: [0, 1] } },
    series: [{}, ...areas],
    axes: [
      {
        ...axis,
        size: 30,
        grid: { show: false },
        space: 64,
        incrs: STEPS,
        values: (_, splits, __, ___, step) => splits.map((t) => format.moment(t, step)),
      },
      {
        ...axis,
        size: 48,
        splits: [0, 0.25, 0.5, 0.75, 1],
        grid: { stroke: token("--line"), width: 1 },
        values: (_, splits) => splits.map((x) => (x === 0.25 || x === 0.75 ? "" : format.share(x))),
      },
    ],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? (plot.cursor.idx ?? null) : null)] },
  };
}
