// Writes tiltwise.tgz, always under this name: the sample shop depends on it by path.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const licence = join(here, "LICENSE");

copyFileSync(join(here, "../LICENSE"), licence);
try {
  execFileSync("npm", ["pack", "--silent"], { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
} finally {
  rmSync(licence);
}
renameSync(join(here, `tiltwise-${version}.tgz`), join(here, "tiltwise.tgz"));
console.log("wrote wasm-pkg/tiltwise.tgz");
