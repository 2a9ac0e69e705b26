// Made by `cargo xtask wasm`; edit xtask/src/wasm/page.d.ts instead.

/**
 * The exports of the module, which `edge/src/js.rs` describes. Where an argument is a length, the texts or bytes of these
 * lengths lie on the desk, one behind the other; where a result is one, they lie there for `take`.
 */
export interface Edge {
  readonly memory: WebAssembly.Memory;
  specVersion(): number;
  desk(bytes: number): number;
  open(now: number, maxEvents: number, flushCount: number, flushInterval: number): number;
  close(client: number): void;
  offer(client: number, site: number, content: number, version: bigint, expires: number, bootstrap: boolean, now: number): number;
  version(client: number): bigint;
  find(client: number, key: number): number;
  variant(client: number, at: number, arm: number, value: boolean): number;
  choose(client: number, at: number, now: number): number;
  propensity(client: number): number;
  model(client: number): bigint;
  peek(client: number, at: number, now: number): number;
  force(client: number, experiment: number, variant: number): void;
  track(client: number, name: number, currency: number, id: number, value: number, now: number): number;
  setText(client: number, name: number, value: number): void;
  setNumber(client: number, name: number, value: number): void;
  setTruth(client: number, name: number, value: boolean): void;
  unset(client: number, name: number): void;
  setConsent(client: number, measurement: number, personalization: number, now: number): void;
  setGpc(client: number, gpc: boolean): void;
  identify(client: number, account: number): number;
  reset(client: number, now: number): void;
  visitor(client: number): number;
  tag(client: number): bigint;
  remembered(client: number, now: number): number;
  restoreVisitor(client: number, id: number): number;
  restoreTag(client: number, tag: bigint): number;
  restoreMemory(client: number, memory: number): number;
  nextSendAt(client: number, now: number): number;
  nextBatch(client: number, now: number, all: boolean): number;
  ticket(client: number): number;
  report(client: number, ticket: number, outcome: number, now: number, asked: number): void;
  interrupted(client: number): void;
}

/** What lies on the desk: text, which becomes UTF-8, or bytes. */
export type Part = string | Uint8Array;

/**
 * The exports of the module, which is instantiated at the first call and shared after that.
 *
 * Without an argument it is compiled from the bytes in hex.js, at once and without a request. A host that forbids
 * compiling at run time (edge workers do) passes the module that it compiled from tiltwise.wasm itself.
 */
export function load(module?: WebAssembly.Module): Edge;

/** The address on the desk where so many bytes may be laid; a text needs three for each of its characters at most. */
export function room(bytes: number): number;

/** Lays a part down there, and says how many bytes it has. */
export function put(part: Part, at: number): number;

/** Lays parts down, one behind the other, and says how many bytes each has. */
export function lay<T extends Part[]>(...parts: T): { [K in keyof T]: number };

/** A copy of the answer that the module has laid down. */
export function take(length: number): Uint8Array<ArrayBuffer>;
