/** What the package promises: everything a user of it can name. */

/** What the page knows of a visitor: one value a name. `null` and `undefined` are the same as not there. */
export type Context = Record<string, string | number | boolean | null | undefined>;

export type Answer = "pending" | "granted" | "denied";

export interface Consent {
  /** May events be sent, and a visitor id be kept? */
  measurement: Answer;
  /** May attributes of the context shape what is shown? */
  personalization: Answer;
}

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * Why a variant is what it is.
 *
 * - `model`: drawn now, with the model in use; `bootstrap`: the same, with the model that came with the page
 * - `sticky`: drawn before, in an episode that still lasts
 * - `override`: asked for with `client.override`
 * - `ineligible`: not targeted, out of traffic, paused, or decided for everybody
 * - `consent`: measurement is denied, and everybody gets the control
 * - `fallback`: nothing is known of this experiment (yet)
 */
export type Source = "model" | "bootstrap" | "sticky" | "override" | "ineligible" | "consent" | "fallback";

export interface Variant<T = Json> {
  /** The variant's key; `null` where `value` is the fallback. */
  key: string | null;
  value: T;
  /** The key of the experiment, as it was asked for. */
  experiment: string;
  /** The exact probability with which this variant was drawn; `null` where nothing was drawn. */
  propensity: number | null;
  /** The version of the model that drew it, in decimal digits; `null` where none did. */
  modelVersion: string | null;
  source: Source;
}

export interface Outcome {
  /** An amount of money or another quantity, 0 to 1e9. */
  value?: number;
  /** ISO 4217: `"EUR"`. */
  currency?: string;
  /** Your own id of what happened, such as an order number: it counts once, whoever sends it. */
  id?: string;
}

export interface Update {
  /** Version of the snapshot now in use, in decimal digits. */
  version: string;
  /** Whether its signature was verified with one of the public keys. */
  verified: boolean;
}

export interface Events {
  /** A newer snapshot is in use: it is for choices that are not made yet. */
  update: Update;
  /** A variant was shown for the first time in its episode. */
  exposure: Variant;
  /** Another tab has denied, and this one follows: the answers that hold here now. */
  consent: Consent;
  error: ClientError;
}

export type ErrorCode =
  /** A snapshot that is not to be trusted, not to be read, or of another site. */
  | "snapshot"
  /** The collector cannot be reached, or does not answer as it should. What is held is sent later. */
  | "network"
  /** The collector will never take a batch or an event. */
  | "rejected"
  /** An argument that cannot be what it should be. */
  | "argument";

export interface ClientError extends Error {
  code: ErrorCode;
}

/**
 * Where a client keeps what should outlive a page; used only while measurement is granted.
 *
 * One that is not the browser's own keeps unacknowledged batches only where `Object.keys` lists what is in it.
 */
export interface Storage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

export interface Options {
  /** The collector's public address, prefix included: `"https://t.shop.example"`. */
  url: string;
  /** Up to two Ed25519 public keys, raw: 32 bytes, or hex or base64 of them. They say whose snapshots are genuine. */
  publicKeys?: readonly (string | Uint8Array)[];
  context?: Context;
  /** What is known of the person's answers; the rest is pending. */
  consent?: Partial<Consent>;
  /** A sealed snapshot that came with the page: bytes, or hex or base64 of them. It is used at once. */
  bootstrap?: string | Uint8Array;
  /** `local` outlives the tab, `session` the page. By default the browser's own; `null` keeps nothing. */
  storage?: { local?: Storage; session?: Storage } | null;
  /** How long an event waits for others before they are sent together. Default 200. */
  flushIntervalMs?: number;
  /** Events held at most while the collector cannot be reached. Default 1000. */
  bufferedEvents?: number;
  /** Refuse a fetched snapshot that cannot be verified. Workers default to `true`, pages to `false`. */
  requireSignature?: boolean;
  /** Be told of new snapshots while the page is open. Workers default to `false`. */
  stream?: boolean;
  /** How requests are made. Default: the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Client {
  /** Resolves as soon as `variant` can answer with more than the fallback; `false`: the client was closed before. */
  ready(): Promise<boolean>;
  /** The variant to show. Never throws, never waits. */
  variant<T extends Json = Json>(key: string, options?: { fallback?: T }): Variant<T>;
  /** Says what happened: a signup, a purchase. */
  track(name: string, outcome?: Outcome): void;
  /** Adds the account that logged in. The visitor stays, and so does all that is shown. */
  identify(account: string): void;
  /** Forgets who this is: a new visitor without account, choices or overrides. For a device that changes hands. */
  reset(): void;
  /** Replaces the context. What is shown already stays. */
  setContext(context: Context): void;
  /** Takes an answer. A denial holds in every open tab of the origin; one of measurement erases what was held and stored. */
  setConsent(consent: Partial<Consent>): void;
  /** The visitor id, to be handed to a server that reports for this visitor; `null` unless measurement is granted. */
  visitorId(): string | null;
  /** Shows a variant of your choice from now on; `null`: what would be shown anyway. Such episodes are not learned from. */
  override(key: string, variant: string | null): void;
  /** How a decision comes about, as an object for people. Loads a second module at its first use. */
  explain(key: string): Promise<Explanation | null>;
  /** Sends what may be sent, and resolves when the collector has answered. */
  flush(): Promise<void>;
  /** Sends what is left and stops. */
  close(): Promise<void>;
  /** Calls back until the returned function is called. */
  on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void;
}

export interface Explanation {
  experiment: string;
  revision: string;
  modelVersion: string;
  policy: string;
  phase: string;
  unit: "visitor" | "account";
  /** Whether the context satisfies the experiment's condition. */
  eligible: boolean;
  /** The condition, with what the context says to each comparison; `null`: everybody is eligible. */
  condition: ConditionExplained | null;
  personalized: boolean;
  /** What the attributes make of the context. */
  features: { attribute: string; slot: number; value: number; known: boolean }[];
  arms: ArmExplained[];
  comparisonGroup: boolean;
  episode: string | null;
  /** The number that picked the arm, in [0, 1). */
  draw: number | null;
  /** The arm that a decision made now would draw; `null`: none. */
  drawn: string | null;
  /** The variant that the page shows already; `null`: none. */
  shown: string | null;
  /** The whole in one sentence. */
  why: string;
}

export interface ConditionExplained {
  kind: "all" | "any" | "none" | "compare";
  holds: boolean;
  children?: ConditionExplained[];
  attribute?: string;
  operator?: string;
  values?: (string | number | boolean)[];
  actual?: string | number | boolean | null;
}

export interface ArmExplained {
  key: string;
  active: boolean;
  /** The probability it had in this draw. */
  probability: number;
  /** What the model expects of it: the scaled reward, and its variance. */
  prediction: number | null;
  variance: number | null;
}
