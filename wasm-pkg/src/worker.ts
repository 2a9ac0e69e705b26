/**
 * Tiltwise in an edge worker.
 *
 * A worker has no page to trust, so it refuses a fetched snapshot whose signature it cannot verify; and it lives for a
 * request, so it opens no stream. Hosts that forbid compiling at run time hand in the module that they compiled from
 * `tiltwise/tiltwise.wasm`.
 */

import { start } from "./client.js";
import type { Client, Options } from "./types.js";

export type * from "./types.js";

export interface WorkerOptions extends Options {
  /** The module, compiled from `tiltwise/tiltwise.wasm`. Default: compiled from the bytes in the package. */
  module?: WebAssembly.Module;
}

export function createClient(options: WorkerOptions): Client {
  return start(options, { requireSignature: true, stream: false }, options.module);
}
