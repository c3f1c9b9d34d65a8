/** Formatting of prints by the reader. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FormatPiece } from "../../../wasm-runtime/bundle.js";
import { formatItem, formatValue } from "../../../wasm-runtime/records/format.js";
import type { Value } from "../../../wasm-runtime/records/items.js";
import { testMeta } from "../library/harness.js";
import { CONVERSIONS, parseFormat } from "./conversions.js";

const s = suite("records/format");

function recorded(value: bigint | string): Value {
  return typeof value === "bigint" ? value : Buffer.from(value, "latin1");
}

for (const { format, value, text } of CONVERSIONS) {
  s(`${format} of ${value} is ${JSON.stringify(text)}`, () => {
    const { spec, width, precision } = parseFormat(format);
    const shape = {
      spec,
      width: width === -1 ? null : width,
      precision: precision === -1 ? null : precision,
    };
    assert.is(formatValue(recorded(value), shape), text);
  });
}

function print(pieces: readonly FormatPiece[], values: readonly Value[]): string {
  const meta = { ...testMeta(), formats: [{ pieces }] };
  return Buffer.from(formatItem({ kind: "print", format: 0, values }, meta)).toString("latin1");
}

const long = { kind: "long", spec: 0x64, width: null, precision: null } as const;

s("text and conversions in order, sizes from the record", () => {
  const pieces: FormatPiece[] = [
    { kind: "text", text: "a\xff" },
    { ...long, width: "argument" },
    { kind: "text", text: "|" },
    { kind: "string", spec: 0x73, width: 4, precision: "argument" },
    { kind: "text", text: "\n" },
  ];
  assert.is(print(pieces, [4n, 7n, 2n, Buffer.from("xyz")]), "a\xff   7|  xy\n");
  assert.is(print(pieces, [-4n, 7n, -2n, Buffer.from("xyz")]), "a\xff7|    \n");
});

s("%m and %M of bytes that were read", () => {
  const pieces: FormatPiece[] = [
    { kind: "memory", spec: 0x6d, width: 4, precision: null },
    { kind: "memory", spec: 0x4d, width: null, precision: null },
  ];
  assert.is(print(pieces, [Buffer.from([0, 65]), Buffer.from([0, 0xab])]), "  \0A00ab");
});

s("values of the wrong type, or none, count as nothing", () => {
  const pieces: FormatPiece[] = [
    long,
    { kind: "string", spec: 0x73, width: null, precision: null },
  ];
  assert.is(print(pieces, [Buffer.from("x"), 5n]), "0");
  assert.is(print(pieces, []), "0");
  assert.is(print([{ ...long, width: "argument" }], [1n << 62n, 1n]), "1");
  assert.is(print([{ ...long, width: "argument" }], [0x7fffffffn, 1n]).length, 8192);
});

s("a format that does not exist prints nothing", () => {
  assert.is(formatItem({ kind: "print", format: 9, values: [] }, testMeta()).length, 0);
});

s.run();
