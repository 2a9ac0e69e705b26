/** Bytes and the two kinds of text they travel as. */

const HEX = /^(?:[0-9a-f]{2})*$/i;

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** From bytes, hex or base64 (the URL alphabet too); `null`: none of them. */
export function toBytes(from: string | Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (typeof from !== "string") return from instanceof Uint8Array ? new Uint8Array(from) : null;
  const text = from.trim();
  if (HEX.test(text)) return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
  try {
    return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

export function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
