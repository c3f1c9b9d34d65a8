/**
 * Values of `$variables`: expressions over the registers and the memory of the probed thread
 * (compiler/types/program.ts Location). Memory is read and written by checked library calls.
 */
import { bug, unreachable } from "../../base/assert.js";
import type { BundleModule, BundleSite } from "../../wasm-runtime/bundle.js";
import { TEXT_SPEC } from "../../wasm-runtime/library-abi.js";
import { binary, i32, i64, unary } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Expression, Node } from "../syntax/ast.js";
import type { Location } from "../types/program.js";
import {
  callForValue,
  callLibrary,
  callOf,
  checkError,
  keep,
  literal,
  lowerLong,
  type Scope,
  type Text,
  takeText,
} from "./scope.js";
import { typeOfExpression, unsupported } from "./unit.js";

/** DWARF number of the instruction pointer (FRAME in wasm-runtime/layout.ts). */
const RIP = 16;

/** A place in process memory. */
export interface UserPlace {
  /** i64, in a temporary. */
  readonly address: IrExpression;
  readonly bytes: number;
  readonly signed: boolean;
}

/** Number at `location`; `node` is named in errors. */
export function lowerLocation(
  location: Location,
  scope: Scope,
  node: Pick<Node, "span">,
): IrExpression {
  switch (location.kind) {
    case "constant":
      return i64(location.value);
    case "register":
      return readRegister(location, scope);
    case "load": {
      const address = lowerLocation(location.address, scope, node);
      return loadUser({ address, bytes: location.bytes, signed: location.signed }, scope, node);
    }
    case "add":
    case "multiply": {
      const left = keep(scope, lowerLocation(location.left, scope, node));
      const right = lowerLocation(location.right, scope, node);
      return binary(location.kind === "add" ? "i64.add" : "i64.mul", left, right);
    }
    case "expression":
      return lowerLong(location.expression, scope);
    case "module-address":
      return moduleAddress(location, scope, node);
    case "text":
    case "format":
      return bug("text used as a number");
    default:
      return unreachable(location);
  }
}

/** String at `location`. */
export function lowerLocationText(
  location: Location,
  scope: Scope,
  node: Pick<Node, "span">,
): Text {
  if (location.kind === "text") return literal(scope, location.text);
  if (location.kind !== "format") return bug("number used as text");
  const values = location.pieces.map((piece) =>
    "value" in piece ? keep(scope, lowerLocation(piece.value, scope, node)) : null,
  );
  const strings = location.pieces.map((piece, index) =>
    "value" in piece && piece.conversion === "string"
      ? userString(values[index] ?? bug("no value"), scope)
      : null,
  );
  const out = takeText(scope);
  callLibrary(scope, "text_begin", [scope.context, out.address]);
  for (const [index, piece] of location.pieces.entries()) {
    const text = "text" in piece ? literal(scope, piece.text) : strings[index];
    if (text) callLibrary(scope, "text_literal", [scope.context, text.address]);
    else if ("value" in piece) {
      const spec = piece.conversion === "x" ? hexSpec() : piece.conversion.charCodeAt(0);
      const value = values[index] ?? bug("no value");
      callLibrary(scope, "text_long", [scope.context, value, i32(spec), i32(-1), i32(-1)]);
    }
  }
  callLibrary(scope, "text_end", [scope.context]);
  return out;
}

/** Value at `place`, or a "read fault" error. */
export function loadUser(place: UserPlace, scope: Scope, node: Pick<Node, "span">): IrExpression {
  const value = callForValue(scope, "user_load", [
    scope.context,
    place.address,
    i64(BigInt(place.bytes)),
    i64(place.signed ? 1n : 0n),
  ]);
  checkError(scope, node);
  return value;
}

/** Writes `value` to `place`, or raises a "write fault" error. */
export function storeUser(
  place: UserPlace,
  value: IrExpression,
  scope: Scope,
  node: Pick<Node, "span">,
): void {
  const bytes = i64(BigInt(place.bytes));
  callLibrary(scope, "user_store", [scope.context, place.address, bytes, value]);
  checkError(scope, node);
}

/** Place that the target variable `expression` names; null after reporting that it has none. */
export function userPlace(expression: Expression, scope: Scope): UserPlace | null {
  const location = scope.unit.program.locations.get(expression.id);
  if (location?.kind === "load") {
    const address = keep(scope, lowerLocation(location.address, scope, expression));
    return { address, bytes: location.bytes, signed: location.signed };
  }
  unsupported(scope.unit, expression, "register-write", "assignment to a variable in a register");
  return null;
}

/** Value of `expression` through its location; null if it has none. */
export function locationOf(expression: Expression, scope: Scope): Location | null {
  return scope.unit.program.locations.get(expression.id) ?? null;
}

/** True if the value of `expression` is text. */
export function isText(expression: Expression, scope: Scope): boolean {
  return typeOfExpression(scope.unit, expression) === "string";
}

function hexSpec(): number {
  return "x".charCodeAt(0) | TEXT_SPEC.alternate;
}

function userString(address: IrExpression, scope: Scope): Text {
  const out = takeText(scope);
  const fallback = literal(scope, "<unknown>").address;
  const args = [scope.context, address, i64(-1n), fallback, out.address];
  callLibrary(scope, "user_string_or", args);
  return out;
}

function readRegister(location: Location & { kind: "register" }, scope: Scope): IrExpression {
  const call = callOf({ kind: "host", name: "register" }, [i32(location.register)]);
  const whole = keep(scope, call);
  const shifted =
    location.shift === 0 ? whole : binary("i64.shr_u", whole, i64(BigInt(location.shift)));
  switch (location.bytes) {
    case 8:
      return shifted;
    case 4:
      return location.signed ? unary("i64.extend32_s", shifted) : mask(shifted, 0xffffffffn);
    case 2:
      return location.signed ? unary("i64.extend16_s", shifted) : mask(shifted, 0xffffn);
    case 1:
      return location.signed ? unary("i64.extend8_s", shifted) : mask(shifted, 0xffn);
  }
}

function mask(value: IrExpression, bits: bigint): IrExpression {
  return binary("i64.and", value, i64(bits));
}

/**
 * ELF address plus load bias. Where the probed instruction is of the same module, the bias is what
 * it is away from its own address.
 */
function moduleAddress(
  { address, module }: Location & { kind: "module-address" },
  scope: Scope,
  node: Pick<Node, "span">,
): IrExpression {
  const sites = sitesOf(scope);
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
    "point" in owner
      ? [owner]
      : unit.program.probes.filter((probe) => unit.usages.all(probe).calls.has(owner));
  const sites = callers.flatMap(({ point }) => (point.kind === "site" ? [point] : []));
  return sites.length === callers.length ? sites : [];
}

/** The module that all `sites` are in, null if there is none. */
function commonModule(sites: readonly BundleSite[]): BundleModule | null {
  const [first] = sites;
  if (first === undefined || sites.some(({ module }) => module !== first.module)) return null;
  return { path: first.module, buildId: first.buildId };
}
