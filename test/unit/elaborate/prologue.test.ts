/** Where prologues end, by rows of line tables. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SourceLine } from "../../../compiler/dwarf/lines.js";
import { prologueEnd } from "../../../compiler/elaborate/prologue.js";

const s = suite("unit/elaborate/prologue");

function row(address: number, line: number, more: Partial<SourceLine> = {}): SourceLine {
  const flags = { isStatement: true, isEndSequence: false, isPrologueEnd: false };
  return { address, file: "a.cc", line, column: 0, ...flags, ...more };
}

const code = { entry: 0x20, file: "a.cc", ranges: [{ begin: 0x20, end: 0x40 }] };

s("behind the row of the entry", () => {
  assert.is(prologueEnd([row(0x20, 3), row(0x28, 3), row(0x30, 4)], code), 0x28);
});

s("where another function ends at the entry", () => {
  const other = [row(0x10, 1), row(0x20, 2, { isEndSequence: true })];
  assert.is(prologueEnd([...other, row(0x20, 3), row(0x28, 3)], code), 0x28);
});

s("where the compiler says", () => {
  const rows = [row(0x20, 3), row(0x24, 3, { file: "b.h" }), row(0x28, 3, { isPrologueEnd: true })];
  assert.is(prologueEnd(rows, code), 0x24);
  assert.is(prologueEnd([row(0x20, 3, { isPrologueEnd: true }), row(0x28, 4)], code), 0x20);
});

s("the last row of a function, the entry without any", () => {
  assert.is(prologueEnd([row(0x20, 3), row(0x40, 9)], code), 0x20);
  assert.is(prologueEnd([row(0x10, 3), row(0x40, 9)], code), 0x20);
});

s.run();
