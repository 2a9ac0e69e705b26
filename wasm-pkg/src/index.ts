/** Tiltwise in a page or in Node. */

import { start } from "./client.js";
import type { Client, Options } from "./types.js";

export type * from "./types.js";

/** Starts at once and without a request; the first snapshot is fetched in the background unless one came with the page. */
export function createClient(options: Options): Client {
  return start(options, { requireSignature: false, stream: true });
}
