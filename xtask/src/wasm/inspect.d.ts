// Made by `cargo xtask wasm`; edit xtask/src/wasm/inspect.d.ts instead.
import * as glue from "./glue.js";

/**
 * The functions of the module, which is instantiated at the first call and shared after that.
 *
 * Without an argument it is compiled from the bytes in hex.js, at once and without a request. A host that forbids
 * compiling at run time (edge workers do) passes the module that it compiled from tiltwise.wasm itself.
 */
export function load(module?: WebAssembly.Module): typeof glue;
