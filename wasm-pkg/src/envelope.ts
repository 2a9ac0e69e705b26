/** The signed envelope of a snapshot (`SealedSnapshot` in `proto/tiltwise.proto`), and what in it is signed. */

import { toBytes, toHex } from "./bytes.js";

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Sealed {
  site: string;
  version: bigint;
  publishedMs: number;
  expiresMs: number;
  /** SHA-256 of `content`. */
  hash: Bytes;
  /** Ed25519, over `signedBytes`. */
  signature: Bytes;
  /** What the module reads. */
  content: Bytes;
}

/** The wire version that this package reads. */
const WIRE = 1;
const MAGIC = [0x0d, 0x54, 0x57, 0x50, 0x31];

/** Reads an envelope; `null`: it is none, or one of a newer wire version. */
export function open(bytes: Bytes): Sealed | null {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return null;
  const numbers = new Map<number, bigint>();
  const texts = new Map<number, Bytes>();
  let at = MAGIC.length;
  const varint = () => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      // Beyond the end it is `undefined`, and BigInt throws.
      const byte = BigInt(bytes[at++] as number);
      value |= (byte & 127n) << shift;
      shift += 7n;
      if (byte < 128n) return value;
    }
  };
  try {
    while (at < bytes.length) {
      const tag = Number(varint());
      const value = varint();
      if (tag & 2) texts.set(tag >> 3, bytes.slice(at, (at += Number(value))));
      else numbers.set(tag >> 3, value);
    }
  } catch {
    return null;
  }
  const number = (field: number) => numbers.get(field) ?? 0n;
  const text = (field: number) => texts.get(field) ?? new Uint8Array();
  if (number(2) !== BigInt(WIRE) || at > bytes.length) return null;
  return {
    site: new TextDecoder().decode(text(3)),
    version: number(4),
    publishedMs: Number(number(5)),
    expiresMs: Number(number(6)),
    hash: text(7),
    signature: text(9),
    content: text(11),
  };
}

/** "tiltwise-snapshot-1", the site behind its length, three 64-bit numbers, little endian, and the hash. */
export function signedBytes(sealed: Sealed): Bytes {
  const site = new TextEncoder().encode(sealed.site);
  const numbers = new DataView(new ArrayBuffer(24));
  [sealed.version, BigInt(sealed.expiresMs), BigInt(sealed.publishedMs)].forEach((n, i) => numbers.setBigUint64(8 * i, n, true));
  const name = new TextEncoder().encode("tiltwise-snapshot-1");
  return Uint8Array.from([...name, site.length, ...site, ...new Uint8Array(numbers.buffer), ...sealed.hash]);
}

/** As storage keeps it. */
export function toText(sealed: Sealed): string {
  return JSON.stringify(sealed, (_, value) => (typeof value === "bigint" ? `${value}` : value instanceof Uint8Array ? toHex(value) : value));
}

export function fromText(text: string): Sealed | null {
  try {
    const kept = JSON.parse(text);
    const [hash, signature, content] = [toBytes(kept.hash), toBytes(kept.signature), toBytes(kept.content)];
    return hash && signature && content ? { ...kept, version: BigInt(kept.version), hash, signature, content } : null;
  } catch {
    return null;
  }
}
