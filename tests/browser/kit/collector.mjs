// A real `tiltwise serve` in a folder of its own, on free ports of this machine.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "./until.mjs";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Built by the developer's `cargo build`, or named by whoever has it elsewhere. */
const PROGRAM = process.env.COLLECTOR_BIN ?? resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug/tiltwise");
/** Without the settings that the environment may hold for another collector. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TILTWISE_")));

export class Collector {
  /** What the collector said on its standard error, for a test that fails. */
  said = "";
  #folder;
  #process;
  #listen = ["127.0.0.1:0", "127.0.0.1:0"];

  /** Makes a site of these experiments, whose pages have this origin, and serves it. */
  static async start(experiments, origin) {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run \`cargo build --package tiltwise-collector\``);
    const collector = new Collector();
    collector.#folder = await mkdtemp(join(tmpdir(), "tiltwise-browser-"));
    try {
      await collector.#found(experiments, origin);
      return collector;
    } catch (thrown) {
      await collector.remove();
      throw thrown;
    }
  }

  /** A site's files and secrets. */
  async #found(experiments, origin) {
    await writeFile(join(this.#folder, "tiltwise.toml"), `site = "shop"\nhttp = { allowed_origins = ["${origin}"] }\n`);
    await this.edit(experiments);
    await this.run("keys", "init");
    this.publicKeys = JSON.parse(await this.run("keys", "public", "--json")).map((key) => key.hex);
    await this.serve();
  }

  /** Listens where it listened before. */
  async serve() {
    const [listen, adminListen] = this.#listen;
    const child = spawn(PROGRAM, ["serve", "--listen", listen, "--admin-listen", adminListen], {
      cwd: this.#folder,
      env: ENVIRONMENT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    child.stderr.on("data", (text) => (this.said += text));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const address = async (door) => {
      const { value = "" } = await lines.next();
      if (!value.startsWith(`${door} http://`)) throw new Error(`serve said "${value}"\n${this.said}`);
      return value.slice(door.length + 1);
    };
    this.url = await address("public");
    this.admin = await address("admin");
    this.#listen = [this.url, this.admin].map((url) => new URL(url).host);
    await until("the collector is ready", async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** Asks it to end, and waits until it has. */
  async stop() {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    const [code] = await exit;
    if (code !== 0) throw new Error(`the collector ended with ${code}\n${this.said}`);
  }

  /** Ends it without a warning. */
  async crash() {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }

  async remove() {
    await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  /** Writes the experiment file, as a person does. */
  edit(experiments) {
    return writeFile(join(this.#folder, "experiments.toml"), experiments);
  }

  /** Runs a command of the collector's in its folder and returns what it printed. */
  async run(...args) {
    const { stdout } = await promisify(execFile)(PROGRAM, args, { cwd: this.#folder, env: ENVIRONMENT });
    return stdout.trim();
  }

  /** Asks behind the admin door. */
  async ask(path) {
    const token = (await readFile(join(this.#folder, "keys/admin.token"), "utf8")).trim();
    const answer = await fetch(this.admin + path, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** Every event in the log, oldest first, as it is stored: under pseudonyms. */
  async log() {
    const events = [];
    for (let from = 0; ; ) {
      const answer = await this.ask(`/v1/admin/log?from=${from}`);
      const lines = (await answer.text()).split("\n").filter(Boolean);
      events.push(...lines.map((line) => JSON.parse(line)).filter((line) => line.clockMs === undefined));
      const next = Number(answer.headers.get("x-next-offset"));
      if (next === from) return events;
      from = next;
    }
  }

  /** The log, as soon as `holds` is true of it. */
  async logged(what, holds) {
    return until(what, async () => {
      const events = await this.log();
      return holds(events) && events;
    });
  }
}
