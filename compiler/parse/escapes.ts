/**
 * Backslash escapes of string literals: C's for a b t n v f r \ 0-7 x, else none (language.md §1).
 * Adjacent literals are joined before escapes are decoded, and formats are split before.
 */

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9A-Fa-f]+)|([\s\S]))/g;

const CONTROL: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
};

/** The inside of a literal with C's escapes only: any other escaped character loses its backslash. */
export function dropEscapes(raw: string): string {
  return raw.replace(/\\([^abtnvfr\\0-7x])|\\[\s\S]/g, (all, other?: string) => other ?? all);
}

/** The inside of a literal that stands for `text` as it is. */
export function escapeBackslashes(text: string): string {
  return text.replaceAll("\\", "\\\\");
}

/** Bytes of the inside of a literal; a NUL ends it, as in C. */
export function decodeEscapes(raw: string): string {
  if (!raw.includes("\\")) return cut(raw);
  return cut(
    raw.replace(ESCAPE, (_all, octal?: string, hex?: string, other?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex.slice(-2), 16));
      return CONTROL[other ?? ""] ?? other ?? "";
    }),
  );
}

function cut(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
