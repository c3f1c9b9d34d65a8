/** DWARF expressions as Locations: the stack machine, branches, typed operations, places. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { DieId } from "../../../compiler/dwarf/native.js";
import type { Operation, OperationName } from "../../../compiler/dwarf/operations.js";
import { ResolutionError } from "../../../compiler/elaborate/report.js";
import { constant } from "../../../compiler/types/location.js";
import {
  type ExpressionContext,
  evaluatePlace,
  evaluateValue,
  NO_CONTEXT,
  registerOfHit,
} from "../../../compiler/variables/expression.js";
import { partOf, readNumber, targetOf } from "../../../compiler/variables/place.js";
import { type Machine, worth } from "./model.js";

const s = suite("variables/expression");

/** [name, number, number2] or with more. */
type Written = readonly [
  OperationName,
  (number | bigint)?,
  (number | bigint)?,
  Partial<Pick<Operation, "block" | "die" | "expression">>?,
];

/** Bytes of operations that branches count; others have one here. */
const SIZES: { readonly [atom: string]: number } = { bra: 3, skip: 3 };

function operations(written: readonly Written[]): Operation[] {
  let offset = 0;
  return written.map(([atom, number = 0, number2 = 0, more = {}]) => {
    const at = offset;
    offset += SIZES[atom] ?? 1;
    const numbers = { number: BigInt(number), number2: BigInt(number2) };
    return { atom, ...numbers, offset: at, block: null, die: null, expression: null, ...more };
  });
}

const MACHINE: Machine = {
  registers: Array.from({ length: 17 }, (_, i) => BigInt(100 + i)),
  memory: Uint8Array.from([0x11, 0x22, 0x33, 0x44, 0xff, 0xff, 0xff, 0xff, 8, 0, 0, 0, 0, 0, 0, 0]),
};
const SHORT = 1 as DieId;
const UNSIGNED_CHAR = 2 as DieId;
const DOUBLE = 3 as DieId;
const UNSIGNED_LONG = 4 as DieId;
const FLOAT = 5 as DieId;
const COMPLEX = 6 as DieId;
const CONTEXT: ExpressionContext = {
  ...NO_CONTEXT,
  register: registerOfHit,
  frameBase: () => constant(1000),
  frameAddress: () => constant(2000),
  entryValue: (inner) => evaluateValue(inner, { ...CONTEXT, register: () => constant(77) }),
  moduleAddress: (address) => constant(address + 0x400000n),
  baseType(die) {
    const isFloat = die === DOUBLE || die === FLOAT;
    if (die === DOUBLE || die === UNSIGNED_LONG) return { bytes: 8, signed: false, isFloat };
    if (die === FLOAT) return { bytes: 4, signed: false, isFloat };
    if (die === SHORT) return { bytes: 2, signed: true, isFloat };
    return die === UNSIGNED_CHAR ? { bytes: 1, signed: false, isFloat } : null;
  },
  called: () => operations([["const", 3], ["mul"]]),
};

function computed(...written: readonly Written[]): bigint {
  return worth(evaluateValue(operations(written), CONTEXT), MACHINE);
}

s("arithmetic of the generic type", () => {
  const cases: readonly (readonly [bigint, ...Written[]])[] = [
    [7n, ["const", 3], ["const", 4], ["plus"]],
    [-1n, ["const", 3], ["const", 4], ["minus"]],
    [12n, ["const", 3], ["const", 4], ["mul"]],
    [-3n, ["const", -7], ["const", 2], ["div"]],
    [1n, ["const", -7], ["const", 2], ["mod"]],
    [-4n, ["const", 4], ["neg"]],
    [-5n, ["const", 4], ["not"]],
    [4n, ["const", -4], ["abs"]],
    [0x0fffffffffffffffn, ["const", -1], ["const", 4], ["shr"]],
    [-1n, ["const", -1], ["const", 4], ["shra"]],
    [1n, ["const", -1], ["const", 4], ["lt"]],
    [15n, ["const", 5], ["plus_uconst", 10]],
  ];
  for (const [expected, ...written] of cases) assert.is(computed(...written), expected);
});

s("the stack", () => {
  assert.is(computed(["const", 5], ["dup"], ["mul"]), 25n);
  assert.is(computed(["const", 5], ["const", 3], ["swap"], ["minus"]), -2n);
  assert.is(computed(["const", 5], ["const", 3], ["over"], ["minus"]), -2n);
  assert.is(computed(["const", 5], ["const", 3], ["const", 1], ["pick", 2]), 5n);
  assert.is(computed(["const", 1], ["const", 2], ["const", 3], ["rot"], ["minus"]), -1n);
  assert.is(computed(["const", 5], ["const", 3], ["drop"]), 5n);
});

s("registers, memory, frames, modules", () => {
  assert.is(computed(["breg", 3, -3]), 100n);
  assert.is(computed(["fbreg", -24]), 976n);
  assert.is(computed(["call_frame_cfa"], ["const", 16], ["minus"]), 1984n);
  assert.is(computed(["addr", 0x10]), 0x400010n);
  assert.is(computed(["const", 8], ["deref"]), 8n);
  assert.is(computed(["const", 0], ["deref_size", 4]), 0x44332211n);
  assert.is(computed(["entry_value", 0, 0, { expression: operations([["reg", 5]]) }]), 77n);
  assert.is(computed(["const", 4], ["call4", 0, 0, { die: SHORT }]), 12n);
});

s("branches that are known, and those that are not", () => {
  // min(register, 105) as gcc writes it: over the larger or the smaller one.
  const least = (register: number): bigint =>
    computed(
      ["breg", register, 0],
      ["const", 105],
      ["over"],
      ["over"],
      ["le"],
      ["bra", 2],
      ["swap"],
      ["nop"],
      ["drop"],
      ["stack_value"],
    );
  assert.is(least(2), 102n);
  assert.is(least(9), 105n);
  assert.is(computed(["const", 1], ["bra", 1], ["const", 2], ["const", 3]), 3n);
  assert.is(computed(["const", 0], ["bra", 1], ["const", 2], ["nop"]), 2n);
  assert.is(computed(["const", 9], ["skip", 1], ["neg"], ["nop"]), 9n);
});

s("an expression that does not end is refused", () => {
  assert.throws(() => computed(["const", 1], ["skip", -3]), /an expression that does not end/);
});

s("typed operations", () => {
  const block = Uint8Array.from([0xfe, 0xff]);
  assert.is(computed(["const_type", 0, 0, { die: SHORT, block }]), -2n);
  assert.is(computed(["regval_type", 3, 0, { die: UNSIGNED_CHAR }]), 103n);
  assert.is(computed(["const", 4], ["deref_type", 2, 0, { die: SHORT }]), -1n);
  assert.is(computed(["const", 0x1ff], ["convert", 0, 0, { die: UNSIGNED_CHAR }]), 255n);
  const sum: readonly Written[] = [
    ["const", 200],
    ["convert", 0, 0, { die: UNSIGNED_CHAR }],
    ["const", 100],
    ["convert", 0, 0, { die: UNSIGNED_CHAR }],
    ["plus"],
  ];
  assert.is(computed(...sum), 44n);
  assert.is(computed(...sum, ["convert"], ["neg"]), -44n);
  assert.is(computed(...sum, ["neg"]), 212n);
  assert.throws(() => computed(["regval_type", 3, 0, { die: COMPLEX }]), /a type of its location/);
});

/** Bits of a binary64 or binary32 number. */
function bitsOf(number: number, bytes: 4 | 8 = 8): bigint {
  const whole = new DataView(new Float64Array([number]).buffer).getBigInt64(0, true);
  const half = new DataView(new Float32Array([number]).buffer).getUint32(0, true);
  return bytes === 8 ? whole : BigInt(half);
}

function float(number: number, bytes: 4 | 8 = 8): Written {
  const block = new Uint8Array(new BigInt64Array([bitsOf(number, bytes)]).buffer).slice(0, bytes);
  return ["const_type", 0, 0, { die: bytes === 8 ? DOUBLE : FLOAT, block }];
}

s("floating point of constants", () => {
  const to = (die: DieId): Written => ["convert", 0, 0, { die }];
  const cases: readonly (readonly [bigint, ...Written[]])[] = [
    [bitsOf(2.75), float(1.5), float(1.25), ["plus"]],
    [bitsOf(0.25), float(1.5), float(1.25), ["minus"]],
    [bitsOf(1 / 3), float(1), float(3), ["div"]],
    [bitsOf(1 / 3, 4), float(1, 4), float(3, 4), ["div"]],
    [bitsOf(-1.5), float(1.5), ["neg"]],
    [bitsOf(-1.5, 4), float(1.5, 4), ["neg"]],
    [bitsOf(1.5), float(-1.5), ["abs"]],
    [1n, float(-1.5), float(1.25), ["lt"]],
    [0n, float(Number.NaN), float(Number.NaN), ["eq"]],
    [bitsOf(1.5), float(1.5, 4), to(DOUBLE)],
    [bitsOf(0.1, 4), float(0.1), to(FLOAT)],
    [bitsOf(-7), ["const", -7], to(DOUBLE)],
    [bitsOf(2 ** 64), ["const", -1], to(UNSIGNED_LONG), to(DOUBLE)],
    [-2n, float(-2.9), to(SHORT)],
    [-2n, float(-2.9), ["convert"]],
    [bitsOf(1.5), float(1.5), ["reinterpret"]],
    [1n, float(1.5), float(1.5), ["minus"], float(0), ["eq"]],
  ];
  for (const [expected, ...written] of cases) assert.is(computed(...written), expected);
  assert.throws(() => computed(float(Number.NaN), ["convert"]), /floating point/);
});

s("of floating point known at run time only the bits", () => {
  const given: Written = ["regval_type", 3, 0, { die: DOUBLE }];
  assert.is(computed(given), 103n);
  assert.is(computed(given, ["neg"]), BigInt.asIntN(64, 103n | (1n << 63n)));
  const wider = evaluateValue(
    operations([
      ["regval_type", 17, 0, { die: FLOAT }],
      ["convert", 0, 0, { die: DOUBLE }],
    ]),
    CONTEXT,
  );
  assert.is(wider.kind, "widen-float");
  assert.throws(() => computed(given, given, ["plus"]), /floating point/);
  assert.throws(() => computed(given, ["convert", 0, 0, { die: FLOAT }]), /floating point/);
  assert.throws(
    () => computed(["const", 8], ["deref"], ["convert", 0, 0, { die: DOUBLE }]),
    /float/,
  );
});

s("shifts and comparisons by the sign of types", () => {
  const typed = (number: number, die: DieId): readonly Written[] => [
    ["const", number],
    ["convert", 0, 0, { die }],
  ];
  const shift = (number: number, die: DieId, atom: OperationName): bigint =>
    computed(...typed(number, die), ["const", 4], [atom]);
  assert.is(shift(-2, SHORT, "shra"), -1n);
  assert.is(shift(-2, SHORT, "shr"), 0xfffn);
  assert.is(shift(0xf0, UNSIGNED_CHAR, "shr"), 15n);
  assert.is(shift(0xf0, UNSIGNED_CHAR, "shra"), 255n);
  const isLess = (die: DieId): bigint => computed(...typed(-1, die), ...typed(1, die), ["lt"]);
  assert.is(isLess(SHORT), 1n);
  assert.is(isLess(UNSIGNED_CHAR), 0n);
  assert.is(isLess(UNSIGNED_LONG), 0n);
});

s("places", () => {
  const place = (...written: readonly Written[]): unknown =>
    evaluatePlace(operations(written), CONTEXT);
  assert.equal(place(["reg", 5]), { kind: "register", register: 5, offset: 0 });
  assert.equal(place(["const", 5], ["stack_value"]), {
    kind: "value",
    value: constant(5),
    offset: 0,
  });
  assert.equal(place(["const", 5]), { kind: "memory", address: constant(5) });
  assert.equal(place(), { kind: "missing", reason: "optimized out" });
  assert.equal(place(["reg", 1], ["piece", 4], ["piece", 2], ["const", 8], ["piece", 2]), {
    kind: "pieces",
    offset: 0,
    pieces: [
      { start: 0, size: 32, shift: 0, place: { kind: "register", register: 1, offset: 0 } },
      {
        start: 32,
        size: 16,
        shift: 0,
        place: { kind: "missing", reason: "only partly available" },
      },
      { start: 48, size: 16, shift: 0, place: { kind: "memory", address: constant(8) } },
    ],
  });
});

s("pointers of which only the target is left", () => {
  const context: ExpressionContext = {
    ...CONTEXT,
    pointedAt: () => ({ kind: "memory", address: constant(300) }),
  };
  const pointer = operations([["implicit_pointer", 0, 4, { die: SHORT }]]);
  const place = evaluatePlace(pointer, context);
  assert.equal(targetOf(place), { kind: "memory", address: constant(304) });
  assert.throws(() => readNumber(place, { bytes: 8, signed: false }), /optimized out/);
  const inside = operations([
    ["reg", 1],
    ["piece", 8],
    ["implicit_pointer", 0, 4, { die: SHORT }],
    ["piece", 8],
  ]);
  const pieces = evaluatePlace(inside, context);
  assert.is(targetOf(pieces), null);
  assert.equal(targetOf(partOf(pieces, 8)), { kind: "memory", address: constant(304) });
});

s("damaged expressions are refused", () => {
  const damaged: readonly (readonly Written[])[] = [
    [["plus"]],
    [
      ["const", 1],
      ["pick", 3],
    ],
    [["const", 1], ["rot"]],
    [["breg", 99, 0]],
    [
      ["const", 1],
      ["deref_size", 3],
    ],
    [["GNU_parameter_ref"]],
    [["operation 0xee"]],
  ];
  for (const written of damaged) {
    assert.throws(
      () => evaluateValue(operations(written), CONTEXT),
      (error: unknown) => error instanceof ResolutionError,
    );
  }
});

s.run();
