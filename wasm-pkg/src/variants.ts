/** Answers `variant()`: the module decides by numbers, and this gives them their names back. */

import type { Json, Source, Variant } from "./types.js";
import { type Edge, lay, take, unsigned } from "./wasm.js";

/** By the number of the module's `Source`. */
const SOURCES: readonly Source[] = ["fallback", "model", "bootstrap", "sticky", "override", "ineligible", "consent"];
const SOURCE_BITS = 7;
const EXPOSED = 8;
const ARM_SHIFT = 8;
/** Propensities are parts of this. */
const ONE = 2 ** 30;

/** An experiment of the snapshot in use: its place, and its arms as far as they were shown. */
interface Known {
  at: number;
  arms: { key: string; value: Json; text: string }[];
}

export interface Answer {
  variant: Variant;
  /** An exposure was made. */
  exposed: boolean;
}

export class Variants {
  readonly #edge: Edge;
  readonly #id: number;
  readonly #known = new Map<string, Known>();

  constructor(edge: Edge, id: number) {
    this.#edge = edge;
    this.#id = id;
  }

  /** A new snapshot has other places and values. */
  forget(): void {
    this.#known.clear();
  }

  /** The place of an experiment; -1: not in the snapshot in use. */
  find(experiment: string): number {
    return this.#find(experiment).at;
  }

  choose(experiment: string, fallback: Json): Answer {
    const known = this.#find(experiment);
    if (known.at < 0) return { variant: without("fallback", experiment, fallback), exposed: false };
    const bits = this.#edge.choose(this.#id, known.at, Date.now());
    const source = SOURCES[bits & SOURCE_BITS] ?? "fallback";
    const arm = (bits >> ARM_SHIFT) - 1;
    if (arm < 0) return { variant: without(source, experiment, fallback), exposed: false };
    const { key, value } = this.#arm(known, arm);
    const model = unsigned(this.#edge.model(this.#id));
    const variant: Variant = {
      key,
      value,
      experiment,
      propensity: model ? this.#edge.propensity(this.#id) / ONE : null,
      modelVersion: model ? String(model) : null,
      source,
    };
    return { variant, exposed: (bits & EXPOSED) !== 0 };
  }

  #find(experiment: string): Known {
    let known = this.#known.get(experiment);
    if (!known) {
      known = { at: this.#edge.find(this.#id, ...lay(experiment)), arms: [] };
      // What is not there is not kept: pages can ask for names without end.
      if (known.at >= 0) this.#known.set(experiment, known);
    }
    return known;
  }

  #arm(known: Known, arm: number): { key: string; value: Json } {
    const { key, value, text } = (known.arms[arm] ??= this.#read(known.at, arm));
    // A list or an object is made anew, so that a page which changes it changes only its own.
    return { key, value: typeof value === "object" && value ? JSON.parse(text) : value };
  }

  #read(at: number, arm: number): { key: string; value: Json; text: string } {
    const read = (value: boolean) => new TextDecoder().decode(take(this.#edge.variant(this.#id, at, arm, value)));
    const text = read(true);
    return { key: read(false), value: parse(text), text };
  }
}

export function without(source: Source, experiment: string, fallback: Json): Variant {
  return { key: null, value: fallback, experiment, propensity: null, modelVersion: null, source };
}

/** The collector checks that a value is JSON; one that is not is its own text. */
function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
