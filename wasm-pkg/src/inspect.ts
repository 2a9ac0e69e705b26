/** The second module: how a decision comes about, for people and their tools. A page loads it only when it is asked. */

import { load } from "../wasm/inspect/index.js";
import type { Answer, Context, Explanation } from "./types.js";

export interface Question {
  key: string;
  context: Context;
  /** 36 hexadecimal digits; empty: nobody is known. */
  visitor: string;
  account: string | null;
  personalization: Answer;
  /** The browser sends Global Privacy Control. */
  gpc: boolean;
  nowMs: number;
  /** The session's tag, in decimal digits. */
  session: string;
  /** The variant that the page shows already. */
  shown: string | null;
}

/** Explains what a decision made now would be. `null`: the snapshot does not have this experiment. */
export function explain(content: Uint8Array, version: bigint, question: Question): Explanation | null {
  return load().explain(content, version, question) ?? null;
}
