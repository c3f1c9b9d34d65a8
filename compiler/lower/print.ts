/**
 * Output (language reference §10): a print sends its arguments as one item of the handler's
 * record; the constant parts are in BundleMeta.formats and the reader makes the text. The
 * sprint family makes the text at once, in a temporary.
 */
import { bug } from "../../base/assert.js";
import type { Format, FormatPiece } from "../../wasm-runtime/bundle.js";
import { HISTOGRAM } from "../../wasm-runtime/layout/values.js";
import { TEXT_SPEC } from "../../wasm-runtime/library-abi.js";
import { binary, get, i32, i64, unary } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Expression, HistogramOperation, PrintExpression, PrintPiece } from "../syntax/ast.js";
import { lowerOperands, type Operand } from "./operands.js";
import { callLibrary, checkError, literal, type Scope, type Text, takeText } from "./scope.js";
import { histogramValue } from "./stat.js";
import { typeOfExpression } from "./unit.js";

/** Most arguments of a print. */
const MOST_ARGUMENTS = 32;

/** print, println, printf, printd, printdln, print_char. */
export function lowerPrint(node: PrintExpression, scope: Scope): void {
  const [first] = node.args;
  if (first?.kind === "histogram") {
    printHistogram(first, scope);
    return;
  }
  const plan = planOutput(node, scope);
  const operands = lowerOperands(plan.args, scope);
  const format = scope.unit.formats.indexOf(formatOf(plan.parts));
  const items = plan.parts.flatMap((part) => (part.kind === "text" ? [] : argumentsOf(part)));
  for (const part of plan.parts) {
    if (part.kind === "memory") checkMemory(part, operands, scope, node);
  }
  callLibrary(scope, "record_item", [scope.context, i32(format), i32(items.length)]);
  for (const part of plan.parts) {
    if (part.kind !== "text") recordPart(part, operands, scope);
  }
}

/** Format of a print of one string or number. */
export function plainFormat(kind: "long" | "string"): Format {
  const spec = (kind === "string" ? "s" : "d").charCodeAt(0);
  return { pieces: [{ kind, spec, width: null, precision: null }] };
}

/** sprint, sprintln, sprintf, sprintd, sprintdln. */
export function lowerSprint(node: PrintExpression, scope: Scope, destination?: Text): Text {
  const [first] = node.args;
  if (first?.kind === "histogram") return sprintHistogram(first, scope);
  const plan = planOutput(node, scope);
  const operands = lowerOperands(plan.args, scope);
  const [only] = plan.parts;
  if (plan.parts.length === 0) return literal(scope, "");
  if (plan.parts.length === 1 && only?.kind === "text") return literal(scope, only.text);
  const out = destination ?? takeText(scope);
  callLibrary(scope, "text_begin", [scope.context, out.address]);
  for (const part of plan.parts) textPart(part, operands, scope, node);
  callLibrary(scope, "text_end", [scope.context]);
  return out;
}

/** A conversion with the operands that it takes, as indices into the arguments. */
interface Conversion {
  readonly kind: "long" | "string" | "memory";
  readonly spec: number;
  readonly width: Size;
  readonly precision: Size;
  readonly value: number;
}
type Size = number | { readonly argument: number } | null;
type Part = { readonly kind: "text"; readonly text: string } | Conversion;

interface Output {
  readonly parts: readonly Part[];
  readonly args: readonly Expression[];
}

/** Splits a print into constant text and conversions; literal strings become text. */
function planOutput(node: PrintExpression, scope: Scope): Output {
  checkCount(node, scope);
  const parts: Part[] = [];
  const text = (value: string): void => {
    const last = parts.at(-1);
    if (value === "") return;
    if (last?.kind === "text") parts.splice(-1, 1, { kind: "text", text: last.text + value });
    else parts.push({ kind: "text", text: value });
  };
  if (node.format !== null) planFormat(node.format, node.args, parts, text);
  else {
    for (const [index, arg] of node.args.entries()) {
      if (index > 0 && node.delimiter !== null) text(node.delimiter);
      if (arg.kind === "string") text(arg.value);
      else parts.push(plainPart(node, arg, index, scope));
    }
  }
  if (node.name.endsWith("ln")) text("\n");
  return { parts, args: node.args };
}

function checkCount({ args, span }: PrintExpression, scope: Scope): void {
  if (args.length <= MOST_ARGUMENTS) return;
  scope.unit.report({
    code: "too-many-arguments",
    severity: "semantic error",
    message: `too many arguments to print (${args.length})`,
    span,
    token: "identifier",
    notes: [],
  });
}

function plainPart(node: PrintExpression, arg: Expression, value: number, scope: Scope): Part {
  const isString = typeOfExpression(scope.unit, arg) === "string";
  const conversion = node.name === "print_char" ? "c" : isString ? "s" : "d";
  const kind = isString ? "string" : "long";
  return { kind, spec: conversion.charCodeAt(0), width: null, precision: null, value };
}

function planFormat(
  format: readonly PrintPiece[],
  args: readonly Expression[],
  parts: Part[],
  text: (value: string) => void,
): void {
  let next = 0;
  const size = (given: number | "*" | null): Size => (given === "*" ? { argument: next++ } : given);
  for (const piece of format) {
    if (piece.kind === "text") {
      text(piece.text);
      continue;
    }
    const width = size(piece.width);
    const precision = size(piece.precision);
    const value = next++;
    const arg = args[value];
    const isPlain = piece.conversion === "s" && !piece.flag && width === null && precision === null;
    if (isPlain && arg?.kind === "string") text(arg.value);
    else
      parts.push({ kind: kindOf(piece.conversion), spec: specOf(piece), width, precision, value });
  }
}

function kindOf(conversion: string): Conversion["kind"] {
  if (conversion === "s") return "string";
  return conversion === "m" || conversion === "M" ? "memory" : "long";
}

function specOf(piece: PrintPiece & { kind: "conversion" }): number {
  const conversion = piece.conversion === "i" ? "d" : piece.conversion;
  return conversion.charCodeAt(0) | (piece.flag === null ? 0 : FLAGS[piece.flag]);
}

const FLAGS = {
  "-": TEXT_SPEC.left,
  "0": TEXT_SPEC.zero,
  "+": TEXT_SPEC.plus,
  " ": TEXT_SPEC.space,
  "#": TEXT_SPEC.alternate,
} as const;

function formatOf(parts: readonly Part[]): Format {
  const size = (given: Size): number | "argument" | null =>
    given === null || typeof given === "number" ? given : "argument";
  const pieces = parts.map((part): FormatPiece => {
    if (part.kind === "text") return { kind: "text", text: part.text };
    const { kind, spec } = part;
    // The number of bytes of %m is in the record.
    const precision = kind === "memory" ? null : size(part.precision);
    return { kind, spec, width: size(part.width), precision };
  });
  return { pieces };
}

/** Indices of the arguments that the record holds for `part`. */
function argumentsOf(part: Conversion): readonly number[] {
  const sizes = part.kind === "memory" ? [part.width] : [part.width, part.precision];
  const taken = sizes.flatMap((size) =>
    size === null || typeof size === "number" ? [] : [size.argument],
  );
  return [...taken, part.value];
}

/** Finds what cannot be shown before anything is. */
function checkMemory(
  part: Conversion,
  operands: readonly Operand[],
  scope: Scope,
  node: PrintExpression,
): void {
  const length = sizeValue(part.precision, operands, 1n);
  const address = longOf(operands[part.value]);
  callLibrary(scope, "check_memory", [scope.context, address, length]);
  checkError(scope, node);
}

function recordPart(part: Conversion, operands: readonly Operand[], scope: Scope): void {
  const taken = argumentsOf(part);
  for (const argument of taken.slice(0, -1)) {
    callLibrary(scope, "record_long", [scope.context, longOf(operands[argument])]);
  }
  const operand = operands[part.value];
  if (part.kind === "string") {
    callLibrary(scope, "record_string", [scope.context, textOf(operand).address]);
  } else if (part.kind === "long") {
    callLibrary(scope, "record_long", [scope.context, longOf(operand)]);
  } else {
    const length = sizeValue(part.precision, operands, 1n);
    callLibrary(scope, "record_memory", [scope.context, longOf(operand), length]);
  }
}

function textPart(
  part: Part,
  operands: readonly Operand[],
  scope: Scope,
  node: PrintExpression,
): void {
  if (part.kind === "text") {
    callLibrary(scope, "text_literal", [scope.context, literalPart(part.text, scope)]);
    return;
  }
  const operand = operands[part.value];
  if (
    part.kind === "string" &&
    part.spec === 0x73 &&
    part.width === null &&
    part.precision === null
  ) {
    callLibrary(scope, "text_literal", [scope.context, textOf(operand).address]);
    return;
  }
  const width = textSize(part.width, operands, scope);
  const sizes = [i32(part.spec), width, textSize(part.precision, operands, scope)];
  if (part.kind === "string") {
    callLibrary(scope, "text_string", [scope.context, textOf(operand).address, ...sizes]);
  } else {
    const call = part.kind === "long" ? "text_long" : "text_memory";
    callLibrary(scope, call, [scope.context, longOf(operand), ...sizes]);
    if (part.kind === "memory") checkError(scope, node);
  }
}

/** A literal of any length: what does not fit the string is cut by the library. */
function literalPart(text: string, scope: Scope): IrExpression {
  return i32(scope.unit.data.text(text));
}

/** A width or precision, -1 if not given; a negative one given by `*` counts as 0. */
function textSize(size: Size, operands: readonly Operand[], scope: Scope): IrExpression {
  if (size === null || typeof size === "number") return i32(size ?? -1);
  const { code } = scope;
  const given = code.temporary("i32");
  code.set(given, unary("i32.wrap_i64", longOf(operands[size.argument])));
  code.when(binary("i32.lt_s", get(given), i32(0)), () => code.set(given, i32(0)));
  return get(given);
}

function sizeValue(size: Size, operands: readonly Operand[], missing: bigint): IrExpression {
  if (size === null) return i64(missing);
  return typeof size === "number" ? i64(BigInt(size)) : longOf(operands[size.argument]);
}

function longOf(operand: Operand | undefined): IrExpression {
  return operand?.type === "long" ? operand.value : bug("a number is missing in a print");
}

function textOf(operand: Operand | undefined): Text {
  return operand?.type === "string" ? operand.text : bug("a string is missing in a print");
}

/** The chart ends with an empty line; `sprintln` adds nothing to it. */
function sprintHistogram(histogram: HistogramOperation, scope: Scope): Text {
  const stat = histogramValue(histogram, scope);
  const out = takeText(scope);
  callLibrary(scope, "text_begin", [scope.context, out.address]);
  callLibrary(scope, "text_histogram", [scope.context, stat.descriptor, stat.address]);
  callLibrary(scope, "text_end", [scope.context]);
  return out;
}

/** `println` prints what `print` does. */
function printHistogram(histogram: HistogramOperation, scope: Scope): void {
  const stat = histogramValue(histogram, scope);
  const { shape } = stat;
  const piece: FormatPiece = {
    kind: "histogram",
    histogram: shape.histogram === HISTOGRAM.log ? "log" : "linear",
    low: `${shape.low}`,
    high: `${shape.high}`,
    width: `${shape.width}`,
    barWidth: shape.barWidth,
    elision: shape.elision,
  };
  const format = scope.unit.formats.indexOf({ pieces: [piece] });
  callLibrary(scope, "record_item", [scope.context, i32(format), i32(1)]);
  callLibrary(scope, "record_histogram", [scope.context, stat.descriptor, stat.address]);
}
