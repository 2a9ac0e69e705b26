/** The client: what each promise of the interface sets in motion. */

import { random, toBytes, toHex } from "./bytes.js";
import { fromText, open, toText } from "./envelope.js";
import { Emitter } from "./emitter.js";
import { Http } from "./http.js";
import { follow } from "./lifecycle.js";
import { Outbox } from "./outbox.js";
import { Snapshots } from "./snapshots.js";
import { Store } from "./storage.js";
import { Tabs } from "./tabs.js";
import type { Client, Consent, Context, Events, Explanation, Json, Options, Outcome, Variant } from "./types.js";
import { Unsent } from "./unsent.js";
import { Variants, without } from "./variants.js";
import { type Edge, lay, load, put, room, take, unsigned } from "./wasm.js";

/** What differs between a page and a worker. */
interface Defaults {
  requireSignature: boolean;
  stream: boolean;
}

/** Random bytes that the module needs wherever a new person may begin. */
const FRESH_BYTES = 40;
/** So many events are sent without waiting for more. */
const FLUSH_COUNT = 50;
const ANSWERS = ["pending", "granted", "denied"] as const;
/** What became of an outcome, by the module's number. */
const FULL = 2;
const INVALID = 3;

export function start(options: Options, defaults: Defaults, module?: WebAssembly.Module): Client {
  return new Tiltwise(options, defaults, module);
}

class Tiltwise implements Client {
  readonly #edge: Edge;
  readonly #id: number;
  readonly #emitter = new Emitter();
  readonly #store: Store;
  readonly #unsent: Unsent;
  readonly #outbox: Outbox;
  readonly #snapshots: Snapshots;
  readonly #variants: Variants;
  readonly #tabs: Tabs;
  readonly #streams: boolean;
  readonly #ready: Promise<boolean>;
  #isReady: (ready: boolean) => void = () => undefined;
  #consent: Consent = { measurement: "pending", personalization: "pending" };
  #context: Context = {};
  #account: string | null = null;
  /** The variants that this page has shown, by experiment. */
  readonly #shown = new Map<string, string | null>();
  #unfollow: () => void;
  #unwatch: () => void;
  #saving = false;
  /** This page's record is stored: where it is gone, somebody has erased it. */
  #isStored = false;
  /** Whether the snapshot in use is the stored one. */
  #isKept = false;
  #closed = false;

  constructor(options: Options, defaults: Defaults, module?: WebAssembly.Module) {
    const edge = load(module);
    const { flushIntervalMs = 200, bufferedEvents = 1000 } = options;
    this.#edge = edge;
    lay(random(FRESH_BYTES));
    this.#id = edge.open(Date.now(), bufferedEvents, FLUSH_COUNT, flushIntervalMs);
    this.#ready = new Promise((resolve) => (this.#isReady = resolve));
    this.#store = new Store(options.storage);
    this.#streams = options.stream ?? defaults.stream;
    this.#variants = new Variants(edge, this.#id);
    const http = new Http(options);
    this.#unsent = new Unsent(this.#store, () => this.#consent.personalization, gpc);
    this.#outbox = new Outbox(edge, this.#id, http, this.#emitter, this.#unsent);
    const trusted = {
      keys: (options.publicKeys ?? []).flatMap((key) => toBytes(key) ?? []),
      requireSignature: options.requireSignature ?? defaults.requireSignature,
    };
    this.#snapshots = new Snapshots(edge, this.#id, http, this.#emitter, trusted, {
      used: () => this.#used(),
      forged: () => this.#store.remove("snapshot"),
    });
    this.#tabs = new Tabs((denials) => this.#heard(denials));
    this.#edge.setGpc(this.#id, gpc());
    this.setContext(options.context ?? {});
    this.setConsent(options.consent ?? {});
    const bootstrap = options.bootstrap === undefined ? null : toBytes(options.bootstrap);
    if (bootstrap) this.#snapshots.useAtOnce(open(bootstrap), true);
    this.#unfollow = follow({ leave: () => this.#leave(), comeBack: (frozen) => this.#comeBack(frozen) });
    this.#unwatch = this.#store.watch(() => this.#recall());
    void this.#snapshots.fetchNewest();
  }

  ready(): Promise<boolean> {
    return this.#ready;
  }

  variant<T extends Json = Json>(key: string, options?: { fallback?: T }): Variant<T> {
    const fallback = options?.fallback ?? null;
    try {
      const { variant, exposed } = this.#variants.choose(String(key), fallback);
      this.#shown.set(variant.experiment, variant.key);
      if (exposed) {
        this.#emitter.emit("exposure", variant);
        this.#changed();
      }
      return variant as Variant<T>;
    } catch {
      return without("fallback", String(key), fallback) as Variant<T>;
    }
  }

  track(name: string, { value = 0, currency = "", id = "" }: Outcome = {}): void {
    const became = this.#edge.track(this.#id, ...lay(String(name), String(currency), String(id)), Number(value), Date.now());
    if (became === INVALID) {
      this.#emitter.error("argument", "an outcome needs a name of 1 to 64 bytes, a value of 0 to 1e9 and a three-letter currency");
    } else if (became === FULL) {
      this.#emitter.error("network", "the buffer is full: an outcome was dropped");
    }
    this.#outbox.pump();
  }

  identify(account: string): void {
    if (account && this.#edge.identify(this.#id, ...lay(String(account)))) this.#account = String(account);
    else this.#emitter.error("argument", "an account has 1 to 128 bytes");
  }

  reset(): void {
    lay(random(FRESH_BYTES));
    this.#edge.reset(this.#id, Date.now());
    this.#account = null;
    this.#shown.clear();
    this.#isStored = false;
    this.#store.remove("visitor", "memory", "session");
    this.#changed();
  }

  setContext(context: Context): void {
    const before = this.#context;
    this.#context = { ...context };
    for (const name in before) if (!(name in this.#context)) this.#set(name, null);
    // Only what has changed crosses.
    for (const name in this.#context) if (this.#context[name] !== before[name]) this.#set(name, this.#context[name]);
  }

  setConsent(consent: Partial<Consent>): void {
    this.#answer(consent, true);
    this.#tabs.tell(consent);
  }

  visitorId(): string | null {
    return this.#consent.measurement === "granted" ? this.#visitor() : null;
  }

  override(key: string, variant: string | null): void {
    this.#edge.force(this.#id, ...lay(String(key), variant === null ? "" : String(variant)));
  }

  async explain(key: string): Promise<Explanation | null> {
    const sealed = this.#snapshots.current;
    if (!sealed) return null;
    const { explain } = await import("./inspect.js");
    return explain(sealed.content, sealed.version, {
      key,
      context: this.#context,
      visitor: this.#visitor(),
      account: this.#account,
      personalization: this.#consent.personalization,
      gpc: gpc(),
      nowMs: Date.now(),
      session: String(unsigned(this.#edge.tag(this.#id))),
      shown: this.#shown.get(key) ?? null,
    });
  }

  flush(): Promise<void> {
    this.#save();
    return this.#outbox.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unfollow();
    this.#unwatch();
    this.#snapshots.close();
    this.#isReady(false);
    this.#tabs.close();
    await this.flush();
    this.#outbox.keep();
    this.#outbox.stop();
    this.#edge.close(this.#id);
  }

  on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void {
    return this.#emitter.on(event, listener);
  }

  /** Takes answers: `mine`, from this page, or from another tab. */
  #answer(consent: Partial<Consent>, mine: boolean): void {
    const before = this.#consent.measurement;
    const visitor = this.#visitor();
    this.#consent = { ...this.#consent, ...consent };
    const { measurement, personalization } = this.#consent;
    const isGranted = measurement === "granted";
    lay(random(FRESH_BYTES));
    this.#edge.setConsent(this.#id, ANSWERS.indexOf(measurement), ANSWERS.indexOf(personalization), Date.now());
    if (isGranted && before !== measurement) this.#restore();
    if (measurement === "denied") {
      this.#isStored = false;
      // Who denied elsewhere has erased already; what stands there under another name belongs to a later yes.
      const stored = this.#store.get("visitor");
      if (mine || !stored || stored === visitor) this.#store.remove("visitor", "memory", "snapshot");
      this.#store.remove("session");
      this.#unsent.erase();
    }
    // What may be sent all the same the module gives out again.
    if (measurement === "denied" || personalization === "denied") this.#outbox.forget();
    if (isGranted && this.#streams) this.#snapshots.stream.start();
    else this.#snapshots.stream.stop();
    if (isGranted) this.#outbox.resend();
    this.#changed();
  }

  /** Another tab has denied. */
  #heard(denials: Partial<Consent>): void {
    const [before, after] = [this.#consent, { ...this.#consent, ...denials }];
    if (before.measurement === after.measurement && before.personalization === after.personalization) return;
    this.#answer(denials, false);
    this.#emitter.emit("consent", { ...this.#consent });
  }

  /** A snapshot is in use. */
  #used(): void {
    this.#variants.forget();
    this.#isReady(true);
    this.#isKept = false;
  }

  /** Measurement was granted: an earlier page's visitor goes on, and this page's is kept where there was none. */
  #restore(): void {
    const [visitor, tag] = [this.#bytes("visitor"), this.#store.get("session")];
    if (visitor) this.#edge.restoreVisitor(this.#id, ...lay(visitor));
    if (tag && /^\d{1,20}$/.test(tag)) this.#edge.restoreTag(this.#id, BigInt(tag));
    this.#recall();
    this.#snapshots.useAtOnce(fromText(this.#store.get("snapshot") ?? ""), false);
  }

  /** Takes over what another page or tab remembers. */
  #recall(): void {
    const memory = this.#bytes("memory");
    if (memory && this.#consent.measurement === "granted") this.#edge.restoreMemory(this.#id, ...lay(memory));
  }

  /** Something is to be sent, or to be stored: at the end of this turn, so that many choices are stored once. */
  #changed(): void {
    this.#outbox.pump();
    if (this.#saving || this.#consent.measurement !== "granted") return;
    this.#saving = true;
    setTimeout(() => this.#save());
  }

  #save(): void {
    this.#saving = false;
    this.#recall();
    const memory = take(this.#edge.remembered(this.#id, Date.now()));
    // No bytes: it may not be stored.
    if (memory.length === 0) return;
    if (!this.#store.get("visitor")) {
      // Erased meanwhile, by another tab or by the page: what stands here is not written back.
      if (this.#isStored) return;
      this.#store.set("visitor", this.#visitor());
    }
    this.#isStored = this.#store.get("visitor") !== null;
    this.#store.set("memory", toHex(memory));
    this.#store.set("session", String(unsigned(this.#edge.tag(this.#id))));
    // With every choice, not with every update: those come four times a second.
    if (!this.#isKept && this.#snapshots.current) {
      this.#isKept = true;
      this.#store.set("snapshot", toText(this.#snapshots.current));
    }
  }

  #set(name: string, value: Context[string]): void {
    const at = room(3 * (name.length + (typeof value === "string" ? value.length : 0)));
    const length = put(name, at);
    if (typeof value === "string") this.#edge.setText(this.#id, length, put(value, at + length));
    else if (typeof value === "number") this.#edge.setNumber(this.#id, length, value);
    else if (typeof value === "boolean") this.#edge.setTruth(this.#id, length, value);
    else this.#edge.unset(this.#id, length);
  }

  #visitor(): string {
    return toHex(take(this.#edge.visitor(this.#id)));
  }

  #bytes(name: "visitor" | "memory"): Uint8Array | null {
    const text = this.#store.get(name);
    return text === null ? null : toBytes(text);
  }

  #leave(): void {
    this.#save();
    this.#outbox.leave();
    // A hidden page would hold one of the few connections that a browser has for a host.
    this.#snapshots.stream.stop();
  }

  #comeBack(frozen: boolean): void {
    // A page that was put aside whole hears of nothing meanwhile.
    if (frozen && this.#isStored && !this.#store.get("visitor")) this.#heard({ measurement: "denied" });
    this.#outbox.comeBack(frozen);
    if (this.#consent.measurement !== "granted") return;
    if (this.#streams) this.#snapshots.stream.start();
    this.#outbox.resend();
  }
}

/** Global Privacy Control, as the browser says it. */
function gpc(): boolean {
  return (globalThis.navigator as { globalPrivacyControl?: boolean } | undefined)?.globalPrivacyControl === true;
}
