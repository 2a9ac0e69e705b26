// Reads event batches with nothing of ours: what a test must see of them.

/** The fields of one message: `[number, value]`, a value being a BigInt or bytes. */
export function fields(bytes) {
  const found = [];
  let at = 0;
  const varint = () => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7n;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, kind] = [Number(tag >> 3n), Number(tag & 7n)];
    const take = (length) => bytes.subarray(at, (at += length));
    if (kind === 0) found.push([number, varint()]);
    else if (kind === 1) found.push([number, take(8)]);
    else if (kind === 5) found.push([number, take(4)]);
    else found.push([number, take(Number(varint()))]);
  }
  return found;
}

const text = (bytes) => Buffer.from(bytes ?? []).toString("utf8");
const hex = (bytes) => Buffer.from(bytes ?? []).toString("hex");

/** A batch as an object. */
export function batch(body) {
  const all = fields(body);
  const one = (number, from = all) => from.find(([n]) => n === number)?.[1];
  const events = all
    .filter(([n]) => n === 9)
    .map(([, event]) => {
      const inner = fields(event);
      const [exposure, outcome] = [one(2, inner), one(3, inner)];
      if (exposure) return { exposure: hex(exposure), slots: one(6, fields(exposure))?.length ?? 0, flags: Number(one(11, fields(exposure)) ?? 0n) };
      return { outcome: text(one(1, fields(outcome))), id: text(one(4, fields(outcome))) };
    });
  return {
    magic: text(one(1)),
    session: hex(one(3)),
    sequence: Number(one(4) ?? 0n),
    // Of a field that stands twice the last counts.
    sentMs: Number(all.findLast(([n]) => n === 5)?.[1] ?? 0n),
    visitor: hex(one(6)),
    account: text(one(7)),
    dropped: Number(one(8) ?? 0n),
    unpersonalized: one(10) === 1n,
    events,
  };
}
