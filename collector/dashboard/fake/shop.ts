/** The sample shop, simulated: three experiments and a healthy collector around them. */

import { Random } from "./random.ts";
import { SimulatedExperiment, type Plan } from "./experiment.ts";
import type { Action, State } from "../src/wire.ts";

const rate = { kind: "rate", windowMs: 10_000, currency: null, cap: null } as const;

const PLANS: Plan[] = [
  {
    key: "hero", name: "Hero headline", policy: "contextual", control: "calm", verb: "sign up", metric: { event: "signup", ...rate },
    variants: [
      { key: "calm", value: { headline: "Lamps for slow evenings" }, truth: 0.098, goal: 0.13 },
      { key: "bold", value: { headline: "Save 20 % today" }, truth: 0.132, goal: 0.64 },
      { key: "social", value: { headline: "Loved by 12,000 homes" }, truth: 0.109, goal: 0.23 },
    ],
    segments: [
      { attribute: "device", label: "mobile", goals: [0.05, 0.86, 0.09] }, { attribute: "device", label: "desktop", goals: [0.14, 0.28, 0.58] },
      { attribute: "country", label: "DE", goals: [0.42, 0.38, 0.2] }, { attribute: "country", label: "US", goals: [0.06, 0.72, 0.22] },
      { attribute: "cart_value", label: "200 or more", goals: [0.61, 0.25, 0.14] },
    ],
    unnamed: ["campaign"],
  },
  {
    key: "badge", name: "Offer badge", policy: "thompson", control: "none", verb: "add to the cart", metric: { event: "add_to_cart", ...rate },
    variants: [
      { key: "none", value: "", truth: 0.21, goal: 0.24 },
      { key: "percent", value: "10 % off today", truth: 0.214, goal: 0.3 },
      { key: "shipping", value: "Free shipping", truth: 0.226, goal: 0.46 },
    ],
    segments: [{ attribute: "device", label: "mobile", goals: [0.18, 0.24, 0.58] }, { attribute: "device", label: "desktop", goals: [0.31, 0.38, 0.31] }],
  },
  {
    key: "checkout", name: "Checkout button", policy: "fixed", control: "green", verb: "per visitor",
    metric: { event: "purchase", kind: "value", windowMs: 10_000, currency: "EUR", cap: 500 },
    variants: [{ key: "green", value: "green", truth: 0.071, goal: 0.5 }, { key: "black", value: "black", truth: 0.068, goal: 0.5 }],
    segments: [],
  },
];

export type Scene = "busy" | "early" | "silent" | "empty" | "degraded" | "decided";

/** How many seconds of visitors have passed before the first look. */
const LEAD: Record<Scene, number> = { busy: 280, early: 4, silent: 0, empty: 0, degraded: 280, decided: 280 };

export class SimulatedShop {
  #scene: Scene;
  #random = new Random(11);
  #experiments: SimulatedExperiment[];
  #version = 4_294_967_296n;
  #accepted = 0;
  #published = Date.now();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#experiments = scene === "empty" ? [] : PLANS.map((plan, i) => new SimulatedExperiment(plan, 7 + i));
    for (let second = LEAD[scene]; second > 0; second--) this.step(Date.now() - second * 1000);
    if (scene === "decided") {
      this.act({ action: "declare-winner", experiment: "hero", variant: "bold", author: "dashboard" });
      this.act({ action: "pause", experiment: "badge", author: "dashboard" });
      this.act({ action: "stop-variant", experiment: "checkout", variant: "black", author: "dashboard" });
    }
  }

  step(now: number): void {
    if (this.#scene === "silent" || this.#scene === "empty") return;
    this.#experiments.forEach((experiment, i) => experiment.step(now, [118, 74, 31][i] ?? 20));
    this.#accepted += this.#rate();
    this.#version += BigInt(1 + Math.floor(this.#random.next() * 3));
    this.#published = now - Math.floor(this.#random.next() * 250);
  }

  act(action: Action): string | null {
    const experiment = this.#experiments.find(({ plan }) => plan.key === action.experiment);
    return experiment ? experiment.act(action) : `There is no experiment "${action.experiment}".`;
  }

  state(): State {
    const still = this.#accepted === 0;
    const bad = this.#scene === "degraded";
    return {
      now: Date.now(),
      site: "shop",
      model: {
        version: String(this.#version), publishedMs: this.#published, foldedThroughMs: this.#published - 40,
        hash: "9f2c41d07be8a6635d1c0fb7ce4490a83b7715ee20d94c6f8f13a2be57d0c419",
      },
      health: {
        status: bad ? "degraded" : "ok",
        messages: bad ? ["experiments.toml, line 12: unknown policy \"contxtual\"; the last good version stays in use. Did you mean \"contextual\"?", "Commits take 240 ms at the 99th percentile; see whether the disk is busy."] : [],
        eventsPerSecond: still ? 0 : this.#rate(), acceptedTotal: this.#accepted, duplicateTotal: Math.round(this.#accepted * 0.011),
        rejected: bad ? { unknown_experiment: 1204, event_too_large: 17, forged_propensity: 3 } : {},
        lagMs: still ? 0 : 60 + this.#random.next() * 40,
        commitMs: { p50: still ? 0 : 1.8 + this.#random.next(), p99: bad ? 240 : still ? 0 : 7.4 },
        eventToSnapshotMs: { p50: still ? 0 : 310 + this.#random.next() * 30, p99: still ? 0 : 620 + this.#random.next() * 60 },
        fitMs: still ? 0 : 4.2, streamClients: still ? 1 : 214, logBytes: 48_213 + this.#accepted * 212,
      },
      company: null,
      experiments: this.#experiments.map((experiment) => experiment.view()),
    };
  }

  #rate(): number {
    return Math.round(986 + 22 * this.#random.normal());
  }
}
