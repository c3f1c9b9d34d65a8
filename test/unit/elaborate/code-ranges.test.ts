/** Which code holds an address, among code that is nested, split in parts, or apart. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findAround } from "../../../compiler/elaborate/code-ranges.js";

const test = suite("elaborate/code-ranges");

test("finds all that hold an address, in their order", () => {
  const range = (begin: number, end: number): { begin: number; end: number } => ({ begin, end });
  const code = [
    { name: "inlined", ranges: [range(4, 6), range(20, 22)] },
    { name: "outer", ranges: [range(0, 10), range(18, 30)] },
    { name: "other", ranges: [range(10, 12)] },
  ];
  const around = findAround(code);
  const names = (address: number): string =>
    around(address)
      .map(({ name }) => name)
      .join(" ");
  assert.is(names(5), "inlined outer");
  assert.is(names(6), "outer");
  assert.is(names(10), "other");
  assert.is(names(15), "");
  assert.is(names(21), "inlined outer");
  assert.is(names(30), "");
});

test.run();
