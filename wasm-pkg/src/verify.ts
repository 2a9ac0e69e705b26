/** Whether a sealed snapshot is what somebody with a trusted key signed. */

import type { Glue } from "./wasm.js";

export type Trust = "verified" | "unverified" | "forged";

/** The numbers by which the module is asked for a part of a sealed snapshot. */
const SIGNED = 0;
const SIGNATURE = 1;
const CONTENT = 2;
const HASH = 3;

/** `unverified`: no key was given, or this host has no Ed25519 (old browsers, pages without a secure context). */
export async function verify(glue: Glue, sealed: Uint8Array, keys: readonly Uint8Array<ArrayBuffer>[]): Promise<Trust> {
  const part = (n: number) => new Uint8Array(glue.sealedPart(sealed, n));
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return "unverified";
  const [signed, signature, content, hash] = [part(SIGNED), part(SIGNATURE), part(CONTENT), part(HASH)];
  const digest = new Uint8Array(await subtle.digest("SHA-256", content));
  if (hash.length !== digest.length || digest.some((byte, i) => byte !== hash[i])) return "forged";
  let asked = 0;
  for (const raw of keys) {
    try {
      const key = await subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
      if (await subtle.verify("Ed25519", key, signature, signed)) return "verified";
      asked += 1;
    } catch {
      // No Ed25519 here.
    }
  }
  return asked > 0 ? "forged" : "unverified";
}
