/**
 * The collector writes the plain sentence; here it is only set in type: variant names are marked, so that the eye finds
 * them again in the charts, and a number is never parted from its percent sign.
 */

import { words } from "./format.ts";

/** The headline is the first sentence; what follows says how sure it is. */
export function splitHeadline(text: string): { headline: string; rest: string } {
  const end = /[.!?]\s+(?=\p{Lu})/u.exec(text);
  if (!end) return { headline: text, rest: "" };
  const at = end.index + 1;
  return { headline: text.slice(0, at), rest: text.slice(at).trim() };
}

export interface Part {
  text: string;
  /** Index of the variant that this part names; absent in plain text. */
  variant?: number;
}

export function typeset(sentence: string, variants: readonly string[]): Part[] {
  const text = sentence.replaceAll(/(\d)\s%/g, "$1\u202f%");
  const names = variants.map((key, index) => ({ name: words(key), index })).filter(({ name }) => name.length > 0);
  if (names.length === 0) return [{ text }];
  // Longest first, so that "bold red" is not read as "bold".
  names.sort((a, b) => b.name.length - a.name.length);
  const pattern = new RegExp(`(?<![\\p{L}\\d])(${names.map(({ name }) => escape(name)).join("|")})(?![\\p{L}\\d])`, "giu");
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const found = names.find(({ name }) => name.toLowerCase() === match[0].toLowerCase());
    if (!found) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: match[0], variant: found.index });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
