/** A variant's JSON value in a few words, for the line under its name. */

const LONGEST = 48;

export function glimpse(value: unknown): string {
  const text = firstText(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1).trimEnd()}…` : text;
}

function firstText(value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "string") return `“${value}”`;
  if (typeof value === "object") {
    // Of an object, the longest text says most about what a visitor sees.
    const texts = Object.values(value).filter((x): x is string => typeof x === "string");
    const longest = texts.reduce((a, b) => (b.length > a.length ? b : a), "");
    return longest ? `“${longest}”` : JSON.stringify(value);
  }
  return String(value);
}
