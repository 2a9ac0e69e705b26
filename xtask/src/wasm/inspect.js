// Made by `cargo xtask wasm`; edit xtask/src/wasm/inspect.js instead.
import * as glue from "./glue.js";
import hex from "./hex.js";

let loaded = false;

/**
 * The functions of the module, which is instantiated at the first call and shared after that.
 *
 * Without an argument it is compiled from the bytes in hex.js, at once and without a request. A host that forbids
 * compiling at run time (edge workers do) passes the module that it compiled from tiltwise.wasm itself.
 */
export function load(module) {
  if (!loaded) {
    const instance = new WebAssembly.Instance(module ?? new WebAssembly.Module(bytes()), { "./tiltwise_bg.js": glue });
    glue.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
    loaded = true;
  }
  return glue;
}

function bytes() {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
