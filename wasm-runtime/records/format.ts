/**
 * Print items → bytes, as SystemTap prints them (language.md §10). Text is handled as strings of
 * one character per byte (latin1). library/text.ts and number.ts do the same for sprintf; one
 * table of cases tests both. Values come from a process that may be hostile: one of the wrong type
 * counts as 0 or "".
 */
import type { BundleMeta, FormatPiece } from "../bundle.js";
import { TEXT_SPEC } from "../library-abi.js";
import { showHistogram } from "./histogram.js";
import type { Item, Value } from "./items.js";

/** A print of one statement. */
export type PrintItem = Extract<Item, { kind: "print" }>;

/** Widest field and largest precision (SystemTap STP_BUFFER_SIZE). */
const MOST_COLUMNS = 8192;

/** Bytes that `item` prints; none if it names no format of `meta`. */
export function formatItem(item: PrintItem, meta: BundleMeta): Uint8Array {
  let text = "";
  let next = 0;
  const take = (): Value | undefined => item.values[next++];
  for (const piece of meta.formats[item.format]?.pieces ?? []) {
    text += piece.kind === "text" ? piece.text : formatPiece(piece, take);
  }
  return Buffer.from(text, "latin1");
}

type Conversion = Exclude<FormatPiece, { kind: "text" }>;

function formatPiece(piece: Conversion, take: () => Value | undefined): string {
  if (piece.kind === "histogram") {
    const buckets = take();
    return Array.isArray(buckets) ? showHistogram(piece, buckets) : "";
  }
  const width = sizeOf(piece.width, take);
  const precision = sizeOf(piece.precision, take);
  return formatValue(take(), { spec: piece.spec, width, precision });
}

/** A negative size given by `*` counts as 0. */
function sizeOf(size: number | "argument" | null, take: () => Value | undefined): number | null {
  const given = size === "argument" ? Number(BigInt.asIntN(32, longOf(take()))) : size;
  return given === null ? null : Math.min(Math.max(given, 0), MOST_COLUMNS);
}

/** One conversion with its sizes known; null = not given. */
export interface FormatSpec {
  /** TEXT_SPEC bits. */
  readonly spec: number;
  readonly width: number | null;
  readonly precision: number | null;
}

/** `value` by `format`, one character per byte. */
export function formatValue(value: Value | undefined, format: FormatSpec): string {
  const conversion = String.fromCharCode(format.spec & TEXT_SPEC.conversion);
  switch (conversion) {
    case "s":
      return pad(textOf(value).slice(0, format.precision ?? undefined), format);
    case "m":
      return pad(textOf(value), format);
    case "M":
      return pad(Buffer.from(textOf(value), "latin1").toString("hex"), format);
    case "c":
      return formatCharacter(Number(longOf(value) & 0xffn), format);
    case "b":
      return formatBinary(longOf(value), format);
    default:
      return formatNumber(longOf(value), conversion, format);
  }
}

function longOf(value: Value | undefined): bigint {
  return typeof value === "bigint" ? value : 0n;
}

function textOf(value: Value | undefined): string {
  if (!(value instanceof Uint8Array)) return "";
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
}

function has(format: FormatSpec, flag: number): boolean {
  return (format.spec & flag) !== 0;
}

function justify(text: string, format: FormatSpec, filler: string): string {
  const width = format.width ?? 0;
  return has(format, TEXT_SPEC.left) ? text.padEnd(width, filler) : text.padStart(width, filler);
}

/** Blanks to the width; the flag 0 appends a NUL. */
function pad(text: string, format: FormatSpec): string {
  return justify(text, format, " ") + (has(format, TEXT_SPEC.zero) ? "\0" : "");
}

function formatNumber(value: bigint, conversion: string, format: FormatSpec): string {
  const signed = conversion === "d" || conversion === "i";
  const plain = format.spec === conversion.charCodeAt(0) && format.precision === null;
  if (signed && plain) return value.toString().padStart(format.width ?? 0);
  const magnitude = signed && value < 0n ? -value : BigInt.asUintN(64, value);
  const head = signed ? signOf(value, format) : prefixOf(conversion, format);
  const base = { o: 8, x: 16, X: 16, p: 16 }[conversion] ?? 10;
  const lower = magnitude.toString(base).padStart(format.precision ?? 0, "0");
  const digits = conversion === "X" ? lower.toUpperCase() : lower;
  const zeros = has(format, TEXT_SPEC.zero) && !has(format, TEXT_SPEC.left);
  if (!zeros) return justify(head + digits, format, " ");
  return head + digits.padStart((format.width ?? 0) - head.length, "0");
}

function signOf(value: bigint, format: FormatSpec): string {
  if (value < 0n) return "-";
  if (has(format, TEXT_SPEC.plus)) return "+";
  return has(format, TEXT_SPEC.space) ? " " : "";
}

function prefixOf(conversion: string, format: FormatSpec): string {
  if (conversion === "p") return "0x";
  if (!has(format, TEXT_SPEC.alternate)) return "";
  return { o: "0", x: "0x", X: "0X" }[conversion] ?? "";
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "'": "\\'",
  "\\": "\\\\",
};

/** %c; with `#` what is not printable is escaped, also ' and \. */
function formatCharacter(byte: number, format: FormatSpec): string {
  const character = String.fromCharCode(byte);
  if (!has(format, TEXT_SPEC.alternate)) return justify(character, format, " ");
  const printable = byte >= 0x20 && byte < 0x7f;
  const plain = printable ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  return justify(ESCAPES[character] ?? plain, format, " ");
}

const BINARY_SIZES: readonly (number | null)[] = [1, 2, 4, 8];

/** %b: the low 1, 2, 4 or 8 bytes, little-endian, in a field padded with NUL. */
function formatBinary(value: bigint, format: FormatSpec): string {
  const { width, precision } = format;
  const bytes = [precision, width].find((size) => BINARY_SIZES.includes(size)) ?? 8;
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(value);
  return justify(buffer.toString("latin1", 0, bytes), format, "\0");
}
