// What the page's module says of a golden row, in the words of the row's `expect`: in Node and in a browser alike.

import { fields } from "./batch.mjs";

/** `page` is what the module's index.js exports; `content` is the row's snapshot, encoded. */
export function replay({ load, lay, take }, row, content) {
  const edge = load();
  lay(new Uint8Array(40));
  const id = edge.open(row.now_ms, 1000, 50, 200);
  edge.setConsent(id, 1, row.personalized ? 1 : 2, row.now_ms);
  const known = row.unit.visitor ? edge.restoreVisitor(id, ...lay(unhex(row.unit.visitor))) : true;
  if (row.unit.account !== undefined) edge.identify(id, ...lay(row.unit.account));
  edge.restoreTag(id, BigInt(row.session));
  for (const [name, value] of Object.entries(row.context)) {
    if (typeof value === "string") edge.setText(id, ...lay(name, value));
    else if (typeof value === "number") edge.setNumber(id, ...lay(name), value);
    else edge.setTruth(id, ...lay(name), value);
  }
  const refusal = edge.offer(id, ...lay("shop", content), BigInt(row.model), row.now_ms + 1, false, row.now_ms);
  const at = edge.find(id, ...lay(row.experiment));
  const bits = edge.choose(id, at, row.now_ms);
  const [source, arm] = [bits & 7, (bits >> 8) - 1];
  const said = {
    taken: Boolean(known) && refusal === 0,
    held: source === 5,
    arm: arm < 0 ? undefined : arm,
    variant: arm < 0 ? undefined : new TextDecoder().decode(take(edge.variant(id, at, arm, false))),
    propensity: edge.propensity(id),
    model: String(BigInt.asUintN(64, edge.model(id))),
    exposure: hex(exposure(take(edge.nextBatch(id, row.now_ms, true)))),
  };
  edge.close(id);
  return said;
}

/** The exposure as it is sent: of the only event in a batch. */
function exposure(batch) {
  const [, event] = fields(batch).find(([number]) => number === 9) ?? [0, []];
  return fields(event).find(([number]) => number === 2)?.[1] ?? [];
}

export function unhex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
