// What the page's module says of a golden row, in the words of the row's `expect`: in Node and in a browser alike.

/** `content` is the row's snapshot, encoded. */
export function replay(glue, row, content) {
  const fresh = new Uint8Array(40);
  const id = glue.open(fresh, row.now_ms, 1000, 50, 200);
  glue.setConsent(id, 1, row.personalized ? 1 : 2, fresh, row.now_ms);
  const known = row.unit.visitor ? glue.restoreVisitor(id, unhex(row.unit.visitor)) : true;
  if (row.unit.account !== undefined) glue.identify(id, row.unit.account);
  glue.restoreTag(id, BigInt(row.session));
  for (const [name, value] of Object.entries(row.context)) {
    if (typeof value === "string") glue.setText(id, name, value);
    else if (typeof value === "number") glue.setNumber(id, name, value);
    else glue.setTruth(id, name, value);
  }
  const refusal = glue.offer(id, "shop", BigInt(row.model), row.now_ms + 1, content, false, row.now_ms);
  const at = glue.find(id, row.experiment);
  const bits = glue.choose(id, at, row.now_ms);
  const [source, arm] = [bits & 7, (bits >> 8) - 1];
  const said = {
    taken: known && refusal === 0,
    held: source === 5,
    arm: arm < 0 ? undefined : arm,
    variant: arm < 0 ? undefined : glue.variant(id, at, arm, false),
    propensity: glue.propensity(id),
    model: String(glue.model(id)),
    exposure: hex(glue.exposure(id, at, row.now_ms)),
  };
  glue.close(id);
  return said;
}

export function unhex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
