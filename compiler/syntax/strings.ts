/** Strings of the script language: bytes as Latin-1 code units. */

const NAMED = new Map<string, string>([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ['"', '\\"'],
  ["\\", "\\\\"],
]);

/** The literal, with quotes, that stands for the bytes `value`. */
export function showString(value: string): string {
  const escaped = value.replace(/["\\]|[^ -~]/g, (character) => {
    const octal = character.charCodeAt(0).toString(8).padStart(3, "0");
    return NAMED.get(character) ?? `\\${octal}`;
  });
  return `"${escaped}"`;
}

/** The UTF-8 bytes of `text`, one per code unit. */
export function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
