// Signs snapshots as a collector does, with nothing of ours: Node's own crypto, and a protobuf writer of ten lines.
import { createHash, generateKeyPairSync, sign } from "node:crypto";

export const keys = generateKeyPairSync("ed25519");
/** Raw, 32 bytes: the end of its DER form. */
export const publicKey = new Uint8Array(keys.publicKey.export({ type: "spki", format: "der" }).subarray(-32));

const DAY = 86_400_000;

/** The bytes of `GET /v1/snapshot`. */
export function sealed(content, { version = 1n, site = "shop", published = Date.now(), expires = Date.now() + 7 * DAY, key = keys.privateKey } = {}) {
  const { hash, keyId, signature } = signed(content, { version, site, published, expires, key });
  return new Uint8Array(
    Buffer.concat([
      Buffer.from([0x0d]), Buffer.from("TWP1"), uint(2, 1n), bytes(3, Buffer.from(site)), uint(4, version),
      uint(5, BigInt(published)), uint(6, BigInt(expires)), bytes(7, hash), bytes(8, keyId), bytes(9, signature), bytes(11, content),
    ]),
  );
}

/** The data of one event of `GET /v1/stream`. */
export function announcement(content, { version, site = "shop", published = Date.now(), expires = Date.now() + 7 * DAY, key = keys.privateKey }) {
  const { hash, keyId, signature } = signed(content, { version, site, published, expires, key });
  return JSON.stringify({
    version: String(version), hash: hash.toString("hex"), expiresMs: expires, publishedMs: published,
    foldedThroughMs: published, keyId: keyId.toString("hex"), signature: signature.toString("hex"),
  });
}

export const hashOf = (content) => createHash("sha256").update(content).digest("hex");

function signed(content, { version, site, published, expires, key }) {
  const hash = createHash("sha256").update(content).digest();
  const number = (n) => {
    const eight = Buffer.alloc(8);
    eight.writeBigUInt64LE(BigInt(n));
    return eight;
  };
  const name = Buffer.from(site);
  const text = [Buffer.from("tiltwise-snapshot-1"), Buffer.from([name.length]), name, number(version), number(expires), number(published), hash];
  const keyId = createHash("sha256").update(publicKey).digest().subarray(0, 8);
  return { hash, keyId, signature: sign(null, Buffer.concat(text), key) };
}

function varint(value) {
  const out = [];
  for (; value >= 0x80n; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...out, Number(value)]);
}
const uint = (field, value) => (value === 0n ? Buffer.alloc(0) : Buffer.concat([varint(BigInt(field) << 3n), varint(value)]));
const bytes = (field, value) => Buffer.concat([varint((BigInt(field) << 3n) | 2n), varint(BigInt(value.length)), value]);
