// Made by `cargo xtask wasm`; edit xtask/src/wasm/page.js instead.
import hex from "./hex.js";

const encoder = new TextEncoder();
let edge;
/** The module's memory; empty where it has grown, which gives it another buffer. */
let memory = new Uint8Array();

export function load(module) {
  edge ??= new WebAssembly.Instance(module ?? new WebAssembly.Module(bytes()), {}).exports;
  return edge;
}

export function room(bytes) {
  const at = edge.desk(bytes);
  if (!memory.length) memory = new Uint8Array(edge.memory.buffer);
  return at;
}

export function put(part, at) {
  if (typeof part !== "string") {
    memory.set(part, at);
    return part.length;
  }
  // Almost every text is short and ASCII, and a call of the encoder takes longer than to write it.
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    if (code > 127) return encoder.encodeInto(part, memory.subarray(at)).written;
    memory[at + i] = code;
  }
  return part.length;
}

export function lay(...parts) {
  let at = room(parts.reduce((sum, part) => sum + 3 * part.length, 0));
  return parts.map((part) => {
    const length = put(part, at);
    at += length;
    return length;
  });
}

export function take(length) {
  const at = room(0);
  return memory.slice(at, at + length);
}

function bytes() {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
