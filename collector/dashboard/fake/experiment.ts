/** A simulated experiment: shares drift toward the variants that do well, counts and intervals grow with them. */

import { Random } from "./random.ts";
import type { Action, Experiment, Interval, Metric, Phase, Segment, Variant } from "../src/wire.ts";

export interface Plan {
  key: string;
  name: string;
  policy: string;
  control: string;
  metric: Metric;
  /** Per variant: its value, its true rate, and the share that it ends with. */
  variants: { key: string; value: unknown; truth: number; goal: number }[];
  segments: { attribute: string; label: string; goals: number[] }[];
  unnamed?: string[];
  verb: string;
}

const HISTORY = 300;

export class SimulatedExperiment {
  readonly plan: Plan;
  #random: Random;
  #age = 0;
  #phase: Phase = "running";
  #winner: string | null = null;
  #stopped = new Set<string>();
  #arms: { units: number; conversions: number; total: number; share: number }[];
  #history: { t: number[]; shares: Record<string, number[]> };

  constructor(plan: Plan, seed: number) {
    this.plan = plan;
    this.#random = new Random(seed);
    const even = 1 / plan.variants.length;
    this.#arms = plan.variants.map(() => ({ units: 0, conversions: 0, total: 0, share: even }));
    this.#history = { t: [], shares: Object.fromEntries(plan.variants.map(({ key }) => [key, []])) };
  }

  /** One second with so many visitors. */
  step(now: number, visitors: number): void {
    this.#age += 1;
    const tilt = 1 / (1 + Math.exp(-(this.#age - 90) / 28));
    const goals = this.plan.variants.map(({ key, goal }, i) => {
      if (this.#stopped.has(key)) return 0;
      const even = 1 / this.plan.variants.length;
      const wobble = 0.03 * Math.sin(this.#age / (17 + 5 * i)) * (0.3 + tilt) + 0.008 * this.#random.normal();
      return Math.max(0.02, even + (goal - even) * tilt + (this.plan.policy === "fixed" ? 0.1 : 1) * wobble);
    });
    const sum = goals.reduce((a, b) => a + b, 0);
    this.#arms.forEach((arm, i) => {
      arm.share = (goals[i] ?? 0) / sum;
      if (this.#phase !== "running") return;
      const units = Math.round(visitors * arm.share);
      const conversions = this.#random.binomial(units, this.plan.variants[i]?.truth ?? 0);
      arm.units += units;
      arm.conversions += conversions;
      if (this.plan.metric.kind === "value") arm.total += conversions * (58 + 6 * this.#random.normal());
    });
    this.#history.t.push(now);
    this.plan.variants.forEach(({ key }, i) => this.#history.shares[key]?.push(this.#arms[i]?.share ?? 0));
    if (this.#history.t.length > HISTORY) {
      this.#history.t.shift();
      for (const series of Object.values(this.#history.shares)) series.shift();
    }
  }

  act({ action, variant }: Action): string | null {
    if (variant && !this.plan.variants.some(({ key }) => key === variant)) return `"${this.plan.key}" has no variant "${variant}".`;
    if (action === "pause") this.#phase = "paused";
    if (action === "resume" || action === "lift") [this.#phase, this.#winner] = ["running", null];
    if (action === "declare-winner" && variant) [this.#phase, this.#winner] = ["decided", variant];
    if (action === "stop-variant" && variant) this.#stopped.add(variant);
    if (action === "start-variant" && variant) this.#stopped.delete(variant);
    return null;
  }

  view(): Experiment {
    const { plan } = this;
    const variants = plan.variants.map(({ key, value }, i): Variant => {
      const arm = this.#arms[i] ?? { units: 0, conversions: 0, total: 0, share: 0 };
      const conversions = plan.metric.kind === "rate" ? arm.conversions : 0;
      return { key, value, ...arm, conversions, rate: this.#rate(arm), stopped: this.#stopped.has(key) };
    });
    const control = variants.find(({ key }) => key === plan.control);
    const contrasts = variants
      .filter((variant) => variant !== control)
      .map((variant) => ({ variant: variant.key, method: "variance-stabilised AIPW sequence", safe: this.#age > 60, ...said(variant, control) }));
    const total = variants.reduce((sum, { units }) => sum + units, 0);
    const first = contrasts[0];
    const gain: Interval | null =
      first && first.estimate !== null && this.#age > 45 && plan.policy !== "fixed"
        ? { estimate: first.estimate * 0.6, low: first.estimate * 0.6 - 0.006, high: first.estimate * 0.6 + 0.006 }
        : null;
    return {
      key: plan.key, name: plan.name, policy: plan.policy, unit: "visitor", control: plan.control, phase: this.#phase,
      winner: this.#winner, metric: plan.metric, sentence: this.#sentence(variants, control),
      units: { matured: Math.round(total * 0.94), provisional: Math.round(total * 0.06) },
      variants, contrasts, gain,
      gains: { control: first && gain ? { ...first, ...gain, sentence: "Tilting brings 8.1 % more sign ups than showing everyone the control; between 2.0 % and 14 %; safe to read at any time." } : null, evenSplit: null },
      guardrails: contrasts.map(({ variant }) => ({
        event: "refund", variant, state: "holds", onBreach: "stop-variant",
        sentence: `${variant.charAt(0).toUpperCase()}${variant.slice(1)} keeps to 1.0 points more refunds at most, as far as is known.`,
      })),
      sampleRatio: { breached: false, units: total, sentence: "Variants were shown as often as they were drawn." },
      calibration: { units: total, ratio: 0.98, newest: 1.01, sentence: `Of the ${plan.metric.event.replaceAll("_", " ")}s that were predicted 98 % came, and 101 % in the newest day.` },
      drift: null,
      segments: this.#age < 20 ? [] : plan.segments.map((kind) => this.#segment(kind, total / plan.segments.length)),
      unnamed: plan.unnamed ?? [],
      shareHistory: this.#history,
    };
  }

  #rate(arm: { units: number; conversions: number; total: number }) {
    if (arm.units < 20) return { estimate: null, low: null, high: null };
    if (this.plan.metric.kind === "value") {
      const mean = arm.total / arm.units;
      const half = (2.2 * 22) / Math.sqrt(arm.units);
      return { estimate: mean, low: Math.max(0, mean - half), high: mean + half };
    }
    const p = arm.conversions / arm.units;
    const half = 2.6 * Math.sqrt(Math.max(p * (1 - p), 0.001) / arm.units);
    return { estimate: p, low: Math.max(0, p - half), high: Math.min(1, p + half) };
  }

  #segment({ attribute, label, goals }: Plan["segments"][number], units: number): Segment {
    const scale = this.plan.metric.kind === "rate" ? 1 : 58;
    const rates = this.plan.variants.map(({ key, truth }, i) => [key, truth * (0.6 + (goals[i] ?? 0)) * scale]);
    return {
      attribute, label, units: Math.round(units), shares: this.#segmentShares(goals),
      rates: this.#age < 40 ? {} : Object.fromEntries(rates),
    };
  }

  #segmentShares(goals: number[]): Record<string, number> {
    const tilt = Math.min(1, this.#age / 150);
    return Object.fromEntries(this.plan.variants.map(({ key }, i) => [key, 1 / goals.length + ((goals[i] ?? 0) - 1 / goals.length) * tilt]));
  }

  #sentence(variants: Variant[], control: Variant | undefined): string {
    const lead = variants.reduce((a, b) => (b.share > a.share ? b : a));
    const other = lead === control ? variants.find((variant) => variant !== control) : control;
    if (!other || lead.rate.estimate === null || other.rate.estimate === null) return "Too few visitors yet to say anything.";
    const say = (x: number) => (this.plan.metric.kind === "rate" ? `${(x * 100).toFixed(1)} % ${this.plan.verb}` : `€${x.toFixed(2)} ${this.plan.verb}`);
    const bare = (x: number) => say(x).replace(` ${this.plan.verb}`, "");
    const up = (key: string) => key.charAt(0).toUpperCase() + key.slice(1);
    return `${up(lead.key)} is getting ${Math.round(lead.share * 100)} % of visitors: ${say(lead.rate.estimate)}, against ${bare(other.rate.estimate)} with ${up(other.key)}.`;
  }
}

function said(variant: Variant, control: Variant | undefined) {
  const { estimate, low, high } = gap(variant, control);
  const verdict = low !== null && low > 0 ? ("more" as const) : high !== null && high < 0 ? ("less" as const) : ("open" as const);
  const word = { more: "brings more than", less: "brings less than", open: "cannot yet be told from" }[verdict];
  const sentence = `${variant.key.charAt(0).toUpperCase()}${variant.key.slice(1)} ${word} the control; safe to read at any time.`;
  return { estimate, low, high, verdict, sentence };
}

function gap(variant: Variant, control: Variant | undefined) {
  const [a, b] = [variant.rate, control?.rate];
  if (!b || a.estimate === null || b.estimate === null || a.high === null || b.high === null) return { estimate: null, low: null, high: null };
  const estimate = a.estimate - b.estimate;
  const half = Math.hypot(a.high - a.estimate, b.high - b.estimate);
  return { estimate, low: estimate - half, high: estimate + half };
}
