/** The module that decides: compiled from the bytes in this file, so that a client starts without a request. */

import { load } from "../wasm/page/index.js";

export type Glue = ReturnType<typeof load>;

export { load };
