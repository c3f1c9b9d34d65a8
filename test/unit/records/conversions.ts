/**
 * Conversions and what they print (language.md §10): one table for prints, which the reader formats,
 * and for sprintf, which the library does. `text` has one character per byte.
 */
import { TEXT_SPEC } from "../../../wasm-runtime/library-abi.js";

/** One conversion. */
export interface ConversionCase {
  /** As in a format, e.g. `%-5d`; a dynamic width is written out. */
  readonly format: string;
  readonly value: bigint | string;
  readonly text: string;
}

const MIN = -(1n << 63n);
const MAX = (1n << 63n) - 1n;

/** The table. */
export const CONVERSIONS: readonly ConversionCase[] = [
  { format: "%d", value: 0n, text: "0" },
  { format: "%d", value: -42n, text: "-42" },
  { format: "%i", value: 42n, text: "42" },
  { format: "%d", value: MIN, text: "-9223372036854775808" },
  { format: "%d", value: MAX, text: "9223372036854775807" },
  { format: "%u", value: -1n, text: "18446744073709551615" },
  { format: "%u", value: MIN, text: "9223372036854775808" },
  { format: "%5d", value: 42n, text: "   42" },
  { format: "%5d", value: -42n, text: "  -42" },
  { format: "%-5d", value: -42n, text: "-42  " },
  { format: "%05d", value: -42n, text: "-0042" },
  { format: "%-05d", value: 42n, text: "42   " },
  { format: "%+d", value: 42n, text: "+42" },
  { format: "%+d", value: -42n, text: "-42" },
  { format: "% d", value: 42n, text: " 42" },
  { format: "%+05d", value: 42n, text: "+0042" },
  { format: "%+u", value: 42n, text: "42" },
  { format: "%.5d", value: -42n, text: "-00042" },
  { format: "%.0d", value: 0n, text: "0" },
  { format: "%8.3d", value: 5n, text: "     005" },
  { format: "%08.3d", value: 5n, text: "00000005" },
  { format: "%-8.3d", value: 5n, text: "005     " },
  { format: "%-2d", value: 12345n, text: "12345" },
  { format: "%x", value: 0xdeadbeefn, text: "deadbeef" },
  { format: "%X", value: 0xdeadbeefn, text: "DEADBEEF" },
  { format: "%x", value: -1n, text: "ffffffffffffffff" },
  { format: "%#x", value: 255n, text: "0xff" },
  { format: "%#x", value: 0n, text: "0x0" },
  { format: "%#X", value: 255n, text: "0XFF" },
  { format: "%#10x", value: 255n, text: "      0xff" },
  { format: "%#010x", value: 255n, text: "0x000000ff" },
  { format: "%-#10x", value: 255n, text: "0xff      " },
  { format: "%#.4x", value: 255n, text: "0x00ff" },
  { format: "%o", value: 8n, text: "10" },
  { format: "%o", value: -1n, text: "1777777777777777777777" },
  { format: "%#o", value: 8n, text: "010" },
  { format: "%#o", value: 0n, text: "00" },
  { format: "%#6o", value: 8n, text: "   010" },
  { format: "%p", value: 0x1234n, text: "0x1234" },
  { format: "%p", value: 0n, text: "0x0" },
  { format: "%12p", value: 0x1234n, text: "      0x1234" },
  { format: "%c", value: 65n, text: "A" },
  { format: "%c", value: 0x141n, text: "A" },
  { format: "%3c", value: 65n, text: "  A" },
  { format: "%-3c", value: 65n, text: "A  " },
  { format: "%c", value: 0xe9n, text: "\xe9" },
  { format: "%#c", value: 10n, text: "\\n" },
  { format: "%#c", value: 7n, text: "\\a" },
  { format: "%#c", value: 0n, text: "\\000" },
  { format: "%#c", value: 0xe9n, text: "\\351" },
  { format: "%#c", value: 0x27n, text: "\\'" },
  { format: "%#c", value: 0x5cn, text: "\\\\" },
  { format: "%#c", value: 0x22n, text: '"' },
  { format: "%#6c", value: 127n, text: "  \\177" },
  { format: "%-#6c", value: 9n, text: "\\t    " },
  { format: "%b", value: 0x0807060504030241n, text: "\x41\x02\x03\x04\x05\x06\x07\x08" },
  { format: "%1b", value: 0x4142n, text: "\x42" },
  { format: "%2b", value: -2n, text: "\xfe\xff" },
  { format: "%.4b", value: 1n, text: "\x01\0\0\0" },
  { format: "%4.2b", value: 0x4142n, text: "\0\0\x42\x41" },
  { format: "%-4.2b", value: 0x4142n, text: "\x42\x41\0\0" },
  { format: "%3b", value: 1n, text: "\x01\0\0\0\0\0\0\0" },
  { format: "%.3b", value: 1n, text: "\x01\0\0\0\0\0\0\0" },
  { format: "%s", value: "hello", text: "hello" },
  { format: "%s", value: "", text: "" },
  { format: "%8s", value: "hello", text: "   hello" },
  { format: "%-8s", value: "hello", text: "hello   " },
  { format: "%.2s", value: "hello", text: "he" },
  { format: "%.0s", value: "hello", text: "" },
  { format: "%6.2s", value: "hello", text: "    he" },
  { format: "%-6.2s", value: "hello", text: "he    " },
  { format: "%0s", value: "hello", text: "hello\0" },
  { format: "%s", value: "\xff\x80", text: "\xff\x80" },
];

/** TEXT_SPEC bits, width and precision (-1 = not given) of a format such as `%-5.2d`. */
export function parseFormat(format: string): { spec: number; width: number; precision: number } {
  const match = /^%([-+ #0]*)(\d*)(?:\.(\d+))?([a-zA-Z])$/.exec(format);
  if (match === null) throw new Error(`bad format ${format}`);
  const [, flags = "", width = "", precision, conversion = ""] = match;
  const bits: Record<string, number> = {
    "-": TEXT_SPEC.left,
    "0": TEXT_SPEC.zero,
    "+": TEXT_SPEC.plus,
    " ": TEXT_SPEC.space,
    "#": TEXT_SPEC.alternate,
  };
  let spec = conversion.charCodeAt(0);
  for (const flag of flags) spec |= bits[flag] ?? 0;
  return {
    spec,
    width: width === "" ? -1 : Number(width),
    precision: precision === undefined ? -1 : Number(precision),
  };
}
