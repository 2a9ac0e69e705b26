/**
 * What the collector's admin stream says once a second (`event: state` on `GET v1/admin/stream`), and what an action
 * posts back. Times are milliseconds since 1970 by the collector's clock; shares and rates are fractions of one.
 */

export interface State {
  now: number;
  site: string;
  /** Null before the first is published. */
  model: ModelInfo | null;
  health: Health;
  /** Null where the collector is by itself. */
  company: Company | null;
  experiments: Experiment[];
}

/** Where several collectors serve one site. */
export interface Company {
  collector: string;
  role: "leader" | "standby";
  leader: string | null;
  epoch: number | null;
  silenceMs: number;
  sentence: string;
}

export interface ModelInfo {
  /** A 64-bit number, as text: leader epoch in the upper half, counter in the lower. */
  version: string;
  publishedMs: number;
  foldedThroughMs: number;
  hash: string;
}

export interface Health {
  status: "ok" | "degraded";
  messages: string[];
  eventsPerSecond: number;
  acceptedTotal: number;
  duplicateTotal: number;
  rejected: Record<string, number>;
  lagMs: number;
  commitMs: Quantiles;
  eventToSnapshotMs: Quantiles;
  fitMs: number;
  streamClients: number;
  logBytes: number;
}

export interface Quantiles {
  p50: number;
  p99: number;
}

export type Phase = "running" | "paused" | "decided";

export interface Experiment {
  key: string;
  name: string;
  policy: string;
  unit: string;
  control: string;
  phase: Phase;
  winner: string | null;
  metric: Metric;
  sentence: string;
  units: { matured: number; provisional: number };
  variants: Variant[];
  contrasts: Contrast[];
  gain: Interval | null;
  /** The whole split: over showing everyone the control, and over an even split. */
  gains: { control: Contrast | null; evenSplit: Contrast | null };
  guardrails: Guardrail[];
  sampleRatio: SampleRatio;
  calibration: Calibration;
  drift: Drift | null;
  segments: Segment[];
  /** Attributes whose values nobody has listed, so that they have no segments. */
  unnamed: string[];
  shareHistory: ShareHistory;
}

export interface Metric {
  event: string;
  kind: "rate" | "value";
  windowMs: number;
  currency: string | null;
  cap: number | null;
}

export interface Variant {
  key: string;
  value: unknown;
  units: number;
  /** Units with the outcome; 0 where values are summed. */
  conversions: number;
  total: number;
  rate: MaybeInterval;
  share: number;
  stopped: boolean;
}

export interface Interval {
  estimate: number;
  low: number;
  high: number;
}

export interface MaybeInterval {
  estimate: number | null;
  low: number | null;
  high: number | null;
}

/** A variant against the control. `safe`: the method holds however often somebody looks. */
export interface Contrast extends MaybeInterval {
  variant: string;
  method: string;
  safe: boolean;
  verdict: "more" | "less" | "open";
  /** What it says, in words. */
  sentence: string;
}

/** How a guardrail stands for a variant. */
export interface Guardrail {
  event: string;
  variant: string;
  state: "holds" | "near" | "breached";
  onBreach: "stop-variant" | "pause" | "notify";
  sentence: string;
}

/** Whether variants were shown as often as they were drawn. */
export interface SampleRatio {
  breached: boolean;
  units: number;
  sentence: string;
}

/** What came over what the models had predicted, of units that are matured. */
export interface Calibration {
  units: number;
  /** Since the first unit, and in the newest day; 1 where the models are right on average. */
  ratio: number | null;
  newest: number | null;
  sentence: string;
}

/** What visitors do has changed within the last day. */
export interface Drift {
  sinceMs: number;
  seenMs: number;
  lastMs: number;
  sentence: string;
}

/** A kind of visitor, as counted: not corrected for the tilt. */
export interface Segment {
  attribute: string;
  label: string;
  units: number;
  /** Of the newest of them; empty where there are none. */
  shares: Record<string, number>;
  /** Of those whose window has closed; by variants that some of them were shown. */
  rates: Record<string, number>;
}

export interface ShareHistory {
  t: number[];
  shares: Record<string, number[]>;
}

export type ActionName = "pause" | "resume" | "stop-variant" | "start-variant" | "declare-winner" | "lift";

export interface Action {
  action: ActionName;
  experiment: string;
  variant?: string;
  /** For `lift`: what is lifted, so that a stopped variant stays stopped. */
  lifts?: ActionName;
  author: "dashboard";
}

/** The body of an answer that is no success: a word for programs, and where there is one a sentence for people. */
export interface Refusal {
  error: string;
  message?: string;
}
