/** The module that decides: compiled from the bytes in this file, so that a client starts without a request. */

export { type Edge, lay, load, put, room, take } from "../wasm/page/index.js";

/** A 64-bit number as the module means it: WebAssembly hands it over with a sign. */
export function unsigned(number: bigint): bigint {
  return BigInt.asUintN(64, number);
}
