// What a visitor downloads, and what a module asks of its host: `node measure.mjs FILE…` prints one JSON array.
//
// The brotli is Node's own, at its highest quality: what a CDN stores for a file that it serves a million times.
import { readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const report = process.argv.slice(2).map((file) => {
  const bytes = readFileSync(file);
  const brotli = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  const sizes = { raw: bytes.length, brotli: brotli.length };
  if (!file.endsWith(".wasm")) return sizes;
  // Compiling it also shows that this Node can load it at all.
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  return { ...sizes, imports: imports.map(({ module, name }) => `${module}.${name}`) };
});
process.stdout.write(JSON.stringify(report));
