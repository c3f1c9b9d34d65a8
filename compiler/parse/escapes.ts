/** Backslash escapes of string literals: C's for a b t n v f r \ 0-7 x, else none (language.md §1). */

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

/** Bytes of the literal between the quotes; a NUL ends it, as in C. */
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

/** `raw` with its escapes; a backslash before a byte that it does not change is left out. */
export function keepEscapes(raw: string): string {
  return raw.replace(/\\([\s\S])/g, (all, byte: string) =>
    /[abtnvfr0-7x\\]/.test(byte) ? all : byte,
  );
}

function cut(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
