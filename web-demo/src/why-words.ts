/** The words of the panel, apart from the page. */

const SOURCES: Record<string, string> = {
  model: "was drawn for this visit, with the chances that the newest model gives.",
  sticky: "was drawn on an earlier view and stays, so that the page does not change under you.",
  bootstrap: "was drawn with the chances that the model gives which came with the page.",
  override: "was picked by hand in this browser; it is not counted.",
  ineligible: "is what visitors see who take no part in this experiment.",
  consent: "is what everybody sees who does not take part; you declined measurement.",
  fallback: "is the built-in version: no model had arrived when the page was drawn.",
};

export function sourceInWords(source: string, variant: string | null | undefined): string {
  return `“${variant ?? "fallback"}” ${SOURCES[source] ?? `was decided by: ${source}.`}`;
}

export function percent(x: number): string {
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(x * 100);
  return `${number}\u202f%`;
}

/** Any nested object as flat rows: "model.version" → "12". Lists of plain values stay on one row. */
export function rows(value: unknown, path = ""): [string, string][] {
  if (Array.isArray(value)) {
    if (value.every((item) => item === null || typeof item !== "object")) return [[path, value.map(plain).join(", ")]];
    return value.flatMap((item, i) => rows(item, `${path}[${i}]`));
  }
  if (value !== null && typeof value === "object") {
    return Object.entries(value).flatMap(([key, item]) => rows(item, path ? `${path}.${key}` : key));
  }
  return [[path, plain(value)]];
}

function plain(value: unknown): string {
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return String(value);
}
