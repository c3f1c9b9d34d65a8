import { suite } from "uvu";
import * as assert from "uvu/assert";
import { get, i32, i64 } from "../../../compiler/ir/build.js";
import type { IrFunction, IrLabel, IrLocal, IrStatement } from "../../../compiler/ir/ir.js";
import { showFunction } from "../../../compiler/ir/print.js";
import { verifyModule } from "../../../compiler/ir/verify.js";

const s = suite("ir/verify");
const n: IrLocal = { name: "n", type: "i64" };
const label: IrLabel = { name: "end" };

function functionOf(body: readonly IrStatement[], locals: readonly IrLocal[] = [n]): IrFunction {
  const reference = { kind: "function", name: "f", parameters: [], result: null } as const;
  return { reference, exported: "f", parameters: [], locals, body };
}

function verify(...functions: readonly IrFunction[]): void {
  verifyModule({ functions, foreign: [], data: [], pages: 1 });
}

s("accepts well-formed code and shows it", () => {
  const fn = functionOf([
    { kind: "block", label, body: [{ kind: "branch", label, condition: i32(1) }] },
    { kind: "set", local: n, value: i64(3n) },
  ]);
  verify(fn);
  assert.is(
    showFunction(fn),
    "function f() exported\n  local n: i64\n  block end\n    br end if 1\n  n = 3L\n",
  );
});

s("refuses wrong types", () => {
  assert.throws(
    () => verify(functionOf([{ kind: "set", local: n, value: i32(3) }])),
    /3 is i32, not i64/,
  );
  const call = {
    kind: "call",
    callee: { kind: "library", name: "leave" },
    args: [i64(1n)],
  } as const;
  assert.throws(() => verify(functionOf([{ kind: "do", call }])), /is i64, not i32/);
});

s("refuses branches to labels that are not around", () => {
  const jump: IrStatement = { kind: "branch", label, condition: null };
  assert.throws(() => verify(functionOf([jump])), /no label end/);
});

s("refuses locals of other functions, double names, unknown functions", () => {
  const other: IrLocal = { name: "m", type: "i64" };
  assert.throws(
    () => verify(functionOf([{ kind: "set", local: n, value: get(other) }])),
    /foreign m/,
  );
  assert.throws(() => verify(functionOf([], [n, { name: "n", type: "i32" }])), /two locals/);
  assert.throws(() => verify(functionOf([]), functionOf([])), /two functions/);
  const callee = { kind: "function", name: "g", parameters: [], result: null } as const;
  const call = { kind: "call", callee, args: [] } as const;
  assert.throws(() => verify(functionOf([{ kind: "do", call }])), /call of unknown g/);
});

s.run();
