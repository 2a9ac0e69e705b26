// The golden file of decisions, which every host replays.
import { readFileSync } from "node:fs";

const file = JSON.parse(readFileSync(new URL("../../../tests/golden/decisions.json", import.meta.url), "utf8"));

export const rows = file.rows;
export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));
/** An encoded snapshot content by its name. */
export const content = (name) => bytes(file.snapshots[name]);
/** When the golden decisions were made: Monday, 2026-01-05. */
export const NOW = 1767571200000;
