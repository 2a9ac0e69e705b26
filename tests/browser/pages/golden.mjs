// Replays the rows that the site gives, and keeps what the module said of each.
import { replay, unhex } from "/kit/replay.mjs";
import * as page from "/wasm/index.js";

const rows = await (await fetch("/rows.json")).json();
globalThis.said = rows.map(({ row, content }) => replay(page, row, unhex(content)));
