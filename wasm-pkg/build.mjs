// From src/ and wasm/ (made by `cargo xtask wasm`) to dist/.
//
// esbuild bundles and minifies, since it is one program that does both; the TypeScript compiler checks and writes the
// types. Each entry is whole in itself: a page loads one file, and inspect.js only when somebody asks `explain`.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const at = (path) => join(here, path);

if (!existsSync(at("wasm/page/hex.js"))) {
  console.error("wasm-pkg/wasm is empty: run `cargo xtask wasm` first, it builds the modules that go into the package");
  process.exit(1);
}

rmSync(at("dist"), { recursive: true, force: true });
await build({
  entryPoints: ["src/index.ts", "src/worker.ts", "src/inspect.ts"].map(at),
  outdir: at("dist"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  // Loaded by the others when it is wanted, never bundled into them.
  external: ["./inspect.js"],
});
copyFileSync(at("wasm/page/tiltwise.wasm"), at("dist/tiltwise.wasm"));
execFileSync(
  process.execPath,
  [at("node_modules/typescript/bin/tsc"), "-p", here, "--noEmit", "false", "--emitDeclarationOnly", "--declaration"].concat(
    ["--outDir", at("dist"), "--rootDir", at("src")],
  ),
  { stdio: "inherit" },
);

// What no entry's types name is nobody's business.
const named = new Set(["index.d.ts", "worker.d.ts", "inspect.d.ts", "types.d.ts"]);
for (const file of readdirSync(at("dist"))) {
  if (file.endsWith(".d.ts") && !named.has(file)) rmSync(at(`dist/${file}`));
}

for (const file of ["index.js", "worker.js", "inspect.js"]) {
  const bytes = readFileSync(at(`dist/${file}`));
  console.log(`dist/${file}: ${bytes.length} bytes, ${brotliCompressSync(bytes).length} brotli`);
}
