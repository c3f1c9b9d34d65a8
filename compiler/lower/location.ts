/**
 * Numbers of `$variables`: expressions over the registers and the memory of the probed thread
 * (compiler/types/location.ts). Memory is read by checked library calls. A part of a Location that
 * appears several times is computed once.
 */
import { bug } from "../../base/assert.js";
import type { BundleModule, BundleSite } from "../../wasm-runtime/bundle.js";
import { REGISTER } from "../../wasm-runtime/layout/host.js";
import { binary, get, i32, i64, unary } from "../ir/build.js";
import type { BinaryOp, IrExpression } from "../ir/ir.js";
import type { Expression } from "../syntax/ast.js";
import { operandsOf } from "../syntax/walk.js";
import {
  type Bytes,
  FIRST_VECTOR,
  isVector,
  type Location,
  type LocationOperator,
  partsOf,
} from "../types/location.js";
import { divide, guardDivisor } from "./arithmetic.js";
import {
  callForValue,
  callOf,
  checkError,
  keep,
  lowerLong,
  raiseError,
  type Scope,
  widen,
} from "./scope.js";
import { callShared } from "./shared-location.js";
import { unsupported } from "./unit.js";

/** DWARF number of the instruction pointer (FRAME in wasm-runtime/layout/private.ts). */
const RIP = 16;

/** The lowering of the Location of one expression. */
export interface Evaluation {
  readonly scope: Scope;
  /** Named in errors; its operands are those of the Location. */
  readonly node: Expression;
  /** Parts that appear more than once. */
  readonly shared: ReadonlySet<Location>;
  /** Those of `shared` that were computed before, on every way to here. */
  readonly known: Map<Location, IrExpression>;
  /** The value that is lowered as a function for all handlers (shared-location.ts), or null. */
  readonly root: Location | null;
}

/** The evaluation of `location`, which `node` stands for. */
export function evaluationOf(
  location: Location,
  node: Expression,
  scope: Scope,
  root: Location | null = null,
): Evaluation {
  const { shared } = scope.unit;
  const isOwn = (part: Location): boolean => part === root || !shared.has(part);
  return { scope, node, shared: repeatedParts(location, isOwn), known: new Map(), root };
}

/** Value of `expression` through its location; null if it has none. */
export function locationOf(expression: Expression, scope: Scope): Location | null {
  return scope.unit.program.locations.get(expression.id) ?? null;
}

/** Number at the location of `node`. */
export function lowerLocation(location: Location, scope: Scope, node: Expression): IrExpression {
  return evaluate(location, evaluationOf(location, node, scope));
}

/** Number at `location`. */
export function evaluate(location: Location, evaluation: Evaluation): IrExpression {
  const known = evaluation.known.get(location);
  if (known !== undefined) return known;
  const { scope, node, root } = evaluation;
  const value =
    location !== root && scope.unit.shared.has(location)
      ? callShared(location, scope, node, (inside) =>
          evaluate(location, evaluationOf(location, node, inside, location)),
        )
      : compute(location, evaluation);
  if (!evaluation.shared.has(location)) return value;
  const kept = keep(evaluation.scope, value);
  evaluation.known.set(location, kept);
  return kept;
}

/** Evaluation on a way that is not always taken: what it computes is not known behind it. */
export function onBranch(evaluation: Evaluation): Evaluation {
  return { ...evaluation, known: new Map(evaluation.known) };
}

/** Parts that appear more than once; only those of parts that are `isOwn` are looked at. */
function repeatedParts(location: Location, isOwn: (part: Location) => boolean): Set<Location> {
  const seen = new Set([location]);
  const repeated = new Set<Location>();
  for (const part of seen) {
    for (const inner of isOwn(part) ? partsOf(part) : []) {
      if (seen.has(inner)) repeated.add(inner);
      else seen.add(inner);
    }
  }
  return repeated;
}

function compute(location: Location, evaluation: Evaluation): IrExpression {
  const { scope, node } = evaluation;
  switch (location.kind) {
    case "constant":
      return i64(location.value);
    case "register":
      return readRegister(location, evaluation);
    case "load":
      return load(evaluate(location.address, evaluation), location, evaluation);
    case "bits":
      return extractBits(evaluate(location.value, evaluation), location);
    case "select":
      return select(location, evaluation);
    case "widen-float": {
      const value = evaluate(location.value, evaluation);
      return callForValue(scope, "fp32_to_fp64", [scope.context, value]);
    }
    case "operand": {
      const operand = operandsOf(node)[location.index];
      return lowerLong(operand ?? bug("no such operand"), scope);
    }
    case "module-address":
      return moduleAddress(location, evaluation);
    case "unavailable":
      raiseError(scope, location.reason, node);
      return i64(0n);
    case "thread-storage": {
      const index = i32(scope.unit.modules.indexOf(location.module));
      return keep(scope, callOf({ kind: "host", name: "thread_storage" }, [index]));
    }
    case "procfs":
    case "text":
    case "format":
      return bug("text used as a number");
    default: {
      const left = keep(scope, evaluate(location.left, evaluation));
      return operate(location.kind, left, evaluate(location.right, evaluation), evaluation);
    }
  }
}

/** Value of `bytes` bytes at `address`, or a "read fault" error. */
export function load(
  address: IrExpression,
  type: { readonly bytes: Bytes; readonly signed: boolean },
  { scope, node }: Evaluation,
): IrExpression {
  const value = callForValue(scope, "user_load", [
    scope.context,
    address,
    i64(BigInt(type.bytes)),
    i64(type.signed ? 1n : 0n),
  ]);
  checkError(scope, node);
  return value;
}

function readRegister(
  location: Location & { kind: "register" },
  { scope, node }: Evaluation,
): IrExpression {
  const { register, shift } = location;
  const size = 8 * location.bytes;
  if (location.isResult) {
    const isUnknown = callOf({ kind: "host", name: "register" }, [i32(REGISTER.unknownResult)]);
    scope.code.when(binary("i64.ne", keep(scope, isUnknown), i64(0n)), () =>
      raiseError(scope, "the function ended by a jump to another: its result is not known", node),
    );
  }
  if (isVector(register)) {
    const half = shift >= 64 ? 1 : 0;
    const args = [i32(register - FIRST_VECTOR), i32(half)];
    const word = keep(scope, callOf({ kind: "host", name: "vector" }, args));
    return extractBits(word, { ...location, size, shift: shift - 64 * half });
  }
  const whole = keep(scope, callOf({ kind: "host", name: "register" }, [i32(register)]));
  return extractBits(whole, { ...location, size });
}

/** `size` bits from bit `shift` on. */
export function extractBits(
  value: IrExpression,
  part: { readonly shift: number; readonly size: number; readonly signed: boolean },
): IrExpression {
  const { shift, size, signed } = part;
  if (size === 64) return value;
  const low = shift === 0 ? value : binary("i64.shr_u", value, i64(BigInt(shift)));
  if (!signed) {
    return shift + size === 64 ? low : binary("i64.and", low, i64((1n << BigInt(size)) - 1n));
  }
  if (size === 8) return unary("i64.extend8_s", low);
  if (size === 16) return unary("i64.extend16_s", low);
  if (size === 32) return unary("i64.extend32_s", low);
  const left = binary("i64.shl", value, i64(BigInt(64 - shift - size)));
  return binary("i64.shr_s", left, i64(BigInt(64 - size)));
}

function select(location: Location & { kind: "select" }, evaluation: Evaluation): IrExpression {
  const { code } = evaluation.scope;
  const condition = evaluate(location.condition, evaluation);
  const result = code.temporary("i64");
  const arm = (value: Location) => (): void =>
    code.set(result, evaluate(value, onBranch(evaluation)));
  code.when(
    binary("i64.ne", condition, i64(0n)),
    arm(location.consequent),
    arm(location.alternate),
  );
  return get(result);
}

const OPERATORS: { readonly [operator in LocationOperator]: BinaryOp } = {
  add: "i64.add",
  subtract: "i64.sub",
  multiply: "i64.mul",
  divide: "i64.div_s",
  "divide-unsigned": "i64.div_u",
  remainder: "i64.rem_s",
  "remainder-unsigned": "i64.rem_u",
  and: "i64.and",
  or: "i64.or",
  xor: "i64.xor",
  "shift-left": "i64.shl",
  "shift-right": "i64.shr_u",
  "shift-right-signed": "i64.shr_s",
  equal: "i64.eq",
  "not-equal": "i64.ne",
  less: "i64.lt_s",
  "less-equal": "i64.le_s",
  greater: "i64.gt_s",
  "greater-equal": "i64.ge_s",
};

function operate(
  kind: LocationOperator,
  left: IrExpression,
  right: IrExpression,
  { scope, node }: Evaluation,
): IrExpression {
  const operator = OPERATORS[kind];
  if (operator.includes("div") || operator.includes("rem")) {
    const divisor = keep(scope, right);
    guardDivisor(divisor, scope, node);
    return kind === "divide" ? divide("/", left, divisor, scope) : binary(operator, left, divisor);
  }
  const value = binary(operator, left, right);
  return COMPARISONS.has(kind) ? widen(value) : value;
}

const COMPARISONS: ReadonlySet<LocationOperator> = new Set([
  "equal",
  "not-equal",
  "less",
  "less-equal",
  "greater",
  "greater-equal",
]);

/**
 * ELF address plus load bias. Where the probed instruction is of the same module, the bias is what
 * it is away from its own address.
 */
function moduleAddress(
  { address, module }: Location & { kind: "module-address" },
  { scope, node, root }: Evaluation,
): IrExpression {
  // A value for several handlers is not found by the place of one of them.
  const sites = root === null ? sitesOf(scope) : [];
  const [site] = sites;
  const owner = module ?? commonModule(sites);
  if (owner === null) {
    const what = "address of a variable of the program where the place of the probe is not known";
    unsupported(scope.unit, node, "module-address", what);
    return i64(0n);
  }
  if (sites.length === 1 && site?.place === "instruction" && site.module === owner.path) {
    const ip = keep(scope, callOf({ kind: "host", name: "register" }, [i32(RIP)]));
    return binary("i64.add", ip, i64(address - BigInt(site.address)));
  }
  const index = i64(BigInt(scope.unit.modules.indexOf(owner)));
  return callForValue(scope, "module_address", [scope.context, index, i64(address)]);
}

/** The sites that the code in `scope` runs at; none if it also runs elsewhere. */
function sitesOf({ owner, unit }: Scope): readonly BundleSite[] {
  const callers =
    owner.kind === "handler"
      ? [owner]
      : unit.program.handlers.filter((handler) => unit.usages.all(handler).calls.has(owner));
  const points = callers.flatMap((handler) => handler.points);
  const sites = points.flatMap((point) => (point.kind === "site" ? [point] : []));
  return sites.length === points.length ? sites : [];
}

/** The module that all `sites` are in, null if there is none. */
function commonModule(sites: readonly BundleSite[]): BundleModule | null {
  const [first] = sites;
  if (first === undefined || sites.some(({ module }) => module !== first.module)) return null;
  return { path: first.module, buildId: first.buildId };
}
