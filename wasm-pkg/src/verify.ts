/** Whether a snapshot is what somebody with a trusted key signed. */

import { type Bytes, type Sealed, signedBytes } from "./envelope.js";

export type Trust = "verified" | "unverified" | "forged";

/** `unverified`: no key was given, or this host has no Ed25519 (old browsers, pages without a secure context). */
export async function verify(sealed: Sealed, keys: readonly Bytes[]): Promise<Trust> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return "unverified";
  const digest = new Uint8Array(await subtle.digest("SHA-256", sealed.content));
  if (sealed.hash.length !== digest.length || digest.some((byte, i) => byte !== sealed.hash[i])) return "forged";
  let trust: Trust = "unverified";
  for (const raw of keys) {
    try {
      const key = await subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
      if (await subtle.verify("Ed25519", key, sealed.signature, signedBytes(sealed))) return "verified";
      trust = "forged";
    } catch {
      // No Ed25519 here.
    }
  }
  return trust;
}
