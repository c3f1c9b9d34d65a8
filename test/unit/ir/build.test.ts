import { suite } from "uvu";
import * as assert from "uvu/assert";
import { binary, get, i32, i64, load, not, unary } from "../../../compiler/ir/build.js";
import { showExpression } from "../../../compiler/ir/print.js";

const s = suite("ir/build");
const x = get({ name: "x", type: "i32" });
const y = get({ name: "y", type: "i64" });

s("folds 64-bit arithmetic with wrapping", () => {
  assert.is(
    showExpression(binary("i64.add", i64(2n ** 63n - 1n), i64(1n))),
    "-9223372036854775808L",
  );
  assert.is(showExpression(binary("i64.shr_u", i64(-1n), i64(60n))), "15L");
  assert.is(showExpression(binary("i64.shl", i64(1n), i64(65n))), "2L");
  assert.is(showExpression(binary("i64.lt_s", i64(-1n), i64(0n))), "1");
});

s("keeps division for lowering", () => {
  assert.is(showExpression(binary("i64.div_s", i64(1n), i64(0n))), "i64.div_s(1L, 0L)");
});

s("gathers constants of addresses in the offset", () => {
  const place = binary("i32.add", binary("i32.add", x, i32(8)), i32(16));
  assert.is(showExpression(load("i64.load", place, 4)), "i64.load[x + 28]");
  assert.is(showExpression(load("i32.load", i32(1024), 4)), "i32.load[1028]");
});

s("turns conditions around", () => {
  assert.is(showExpression(not(binary("i64.lt_s", y, i64(3n)))), "i64.ge_s(y, 3L)");
  assert.is(showExpression(not(not(unary("i64.eqz", y)))), "i64.eqz(y)");
  assert.is(showExpression(not(not(x))), "i32.eqz(i32.eqz(x))");
});

s.run();
