/**
 * The `$variables` of a place in code that debug information describes: parameters, locals and
 * globals of its unit, `$return`, and the texts `$$vars`, `$$parms`, `$$locals`, `$$return`
 * (language.md §15). Everything is found when it is asked for.
 */
import { basename } from "node:path";
import { bug } from "../../base/assert.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { DieId } from "../dwarf/native.js";
import type { Unit } from "../dwarf/units.js";
import { ResolutionError } from "../elaborate/report.js";
import { nearestNames } from "../elaborate/similar.js";
import type { TargetScope, TargetUse, TargetValue, TargetVariable } from "../elaborate/site.js";
import type { Module } from "../elf/read.js";
import type { TargetSymbol } from "../syntax/ast.js";
import { showExpression } from "../syntax/print-expression.js";
import { constant, type FormatPiece, type Location, mayBeUnknown } from "../types/location.js";
import { objectValue, type SourceObject } from "./access.js";
import { type CodePosition, codePosition } from "./frame.js";
import { objectOf } from "./object.js";
import { targetOf } from "./place.js";
import { prettyText } from "./pretty.js";
import {
  definitionOf,
  enumeratorValue,
  findGlobal,
  type ProgramModule,
  programModule,
  sourceUnit,
} from "./program-module.js";
import { returnPlace } from "./return-value.js";
import { showType, strip } from "./source-type.js";
import { targetValue } from "./target-value.js";

/** A place in code that debug information describes. */
export interface TargetPlace {
  readonly module: Module;
  readonly info: DebugInfo;
  readonly unit: Unit;
  /** ELF address of the probe; of a return probe the start of the function. */
  readonly address: number;
  /** The function, or the inlined instance of one. */
  readonly code: Die;
  /** Variables of the blocks around the address are seen, too: they exist once a block is entered. */
  readonly inBlocks: boolean;
  readonly isReturn: boolean;
}

/** Variables of `place`. */
export function dwarfTargets(place: TargetPlace): TargetScope {
  let opened: Frame | null = null;
  const frame = (): Frame => {
    opened ??= openFrame(place);
    return opened;
  };
  // The same text is asked for again: by @defined, and where it is used.
  const values = new Map<string, TargetValue>();
  return {
    module: place.module,
    variables: () => listVariables(frame()),
    resolve(symbol, use = "value") {
      const key = keyOf(symbol, use);
      const value = values.get(key) ?? resolve(symbol, use, frame());
      values.set(key, value);
      return value;
    },
    isFromEntry: ({ name, atVar }) => place.isReturn && !atVar && !/^\$\$?return$/.test(name),
  };
}

/** A place with what was found about it. */
interface Frame extends TargetPlace {
  readonly program: ProgramModule;
  readonly position: CodePosition;
  /** Variables that can be seen, those of inner blocks first. */
  readonly variables: readonly Variable[];
}

interface Variable {
  readonly name: string;
  readonly die: Die;
  readonly isParameter: boolean;
}

function openFrame(place: TargetPlace): Frame {
  const { info, unit, address, code, module } = place;
  const program = programModule(module) ?? bug(`no debug information in '${module.path}'`);
  const around = info.scopesAt(unit, address);
  const own = around.findIndex(({ id }) => id === code.id);
  const outer = own >= 0 ? around.slice(own) : [code, ...info.enclosing(code.id)];
  const blocks = blocksInside(around.slice(0, Math.max(own, 0)));
  const inner = blocks.flatMap((die) => variablesIn(die, info));
  const seen = place.inBlocks ? inner : declaredBy(code, inner, info);
  const variables = withoutOrigins([...seen, ...variablesIn(code, info)]);
  const source = sourceUnit(code, info) ?? unit;
  const position = codePosition(program, address, outer);
  return { ...place, unit: source, program, position, variables };
}

/** Variables without those whose trace is in an inner block. */
function withoutOrigins(variables: readonly Variable[]): readonly Variable[] {
  const origins = new Set(variables.map(({ die }) => originOf(die)));
  return variables.filter(({ die }) => !origins.has(die.id));
}

/** Those of `variables` that the function declares in no block: gcc makes one of inlined bodies. */
function declaredBy(
  code: Die,
  variables: readonly Variable[],
  info: DebugInfo,
): readonly Variable[] {
  const origin = originOf(code);
  const declared = new Set(origin === null ? [] : info.children(origin).map(({ id }) => id));
  return variables.filter(({ die }) => {
    const own = originOf(die);
    return own !== null && declared.has(own);
  });
}

function originOf({ attributes }: Die): DieId | null {
  const origin = attributes.get("abstract_origin");
  return origin?.kind === "reference" ? origin.die : null;
}

const BLOCKS: ReadonlySet<string> = new Set([
  "lexical_block",
  "with_stmt",
  "catch_block",
  "try_block",
]);

/** The blocks just inside a function, inner ones first; what is inlined there is not entered. */
function blocksInside(inner: readonly Die[]): readonly Die[] {
  return inner.slice(inner.findLastIndex(({ tag }) => !BLOCKS.has(tag)) + 1);
}

const knownVariables = new WeakMap<Die, readonly Variable[]>();

function variablesIn(scope: Die, info: DebugInfo): readonly Variable[] {
  const found = knownVariables.get(scope) ?? findVariables(scope, info);
  knownVariables.set(scope, found);
  return found;
}

/** Variables of a scope, also those of its abstract origin of which no trace is left. */
function findVariables(scope: Die, info: DebugInfo): readonly Variable[] {
  const own = info.children(scope.id).flatMap((die) => asVariable(die, info));
  const origin = originOf(scope);
  if (origin === null) return own;
  const names = new Set(own.map(({ name }) => name));
  const lost = info.children(origin).flatMap((die) => asVariable(die, info));
  return [...own, ...lost.filter(({ name }) => !names.has(name))];
}

function asVariable(die: Die, info: DebugInfo): readonly Variable[] {
  const isParameter = die.tag === "formal_parameter";
  if (!isParameter && die.tag !== "variable") return [];
  const name = info.text(die, "name");
  return name === null ? [] : [{ name, die, isParameter }];
}

function resolve(symbol: TargetSymbol, use: TargetUse, frame: Frame): TargetValue {
  const text = symbol.atVar ? null : contextText(symbol, frame);
  if (text !== null) return { type: "string", location: text };
  const object = objectNamed(symbol, frame);
  const known = knownValues.get(object) ?? new Map<string, TargetValue>();
  const key = keyOf(symbol, use);
  const value = known.get(key) ?? targetValue({ ...object, node: symbol }, symbol.steps, 0, use);
  knownValues.set(object, known.set(key, value));
  return value;
}

/** The same object is there at many places. */
const knownValues = new WeakMap<SourceObject, Map<string, TargetValue>>();

function keyOf(symbol: TargetSymbol, use: TargetUse): string {
  return `${use} ${showExpression(symbol)}`;
}

function objectNamed(symbol: TargetSymbol, frame: Frame): SourceObject {
  const { program, position, unit } = frame;
  const [name = "", file = null] = symbol.atVar
    ? symbol.name.split("@")
    : [symbol.name.replace(/^\$/, "")];
  if (!symbol.atVar && name === "return" && frame.isReturn) return returnObject(frame, symbol);
  if (file === null) {
    const local = frame.variables.find((variable) => variable.name === name);
    if (local !== undefined) return objectOf(program, local.die, position);
    const [global] = program.names(unit).variables.get(name) ?? [];
    if (global !== undefined)
      return objectOf(program, definitionOf(program, global, name), position);
    const enumerator = enumeratorNamed(name, frame);
    if (enumerator !== null) return enumerator;
  }
  const global = symbol.atVar ? findGlobal(program, name, file, unit) : null;
  if (global !== null) return objectOf(program, global.die, null);
  throw new ResolutionError("unresolved-target", notFound(symbol, name, frame), symbol);
}

function enumeratorNamed(name: string, { program, unit, info }: Frame): SourceObject | null {
  const [die] = program.names(unit).enumerators.get(name) ?? [];
  const value = die === undefined ? null : enumeratorValue(die, info);
  return value === null ? null : constantObject(value);
}

/** An integer constant as an object. */
export function constantObject(value: bigint): SourceObject {
  const type = { name: "long int", bytes: 8, encoding: "signed", signed: true } as const;
  return {
    type: { kind: "number", enumerators: null, ...type },
    place: { kind: "value", value: constant(value), offset: 0 },
    bits: null,
    node: null,
  };
}

/** Says that the global `symbol` (`name` or `name@file`) is not in the module `path`. */
export function noGlobal(symbol: string, path: string): string {
  const [name = "", file] = symbol.split("@");
  return `unable to find global '${name}' in ${path}${file === undefined ? "" : `, in ${file}`}`;
}

/** SystemTap's words, with the nearest names. */
function notFound(symbol: TargetSymbol, name: string, frame: Frame): string {
  const { module, position, unit, info, code } = frame;
  if (symbol.atVar) return noGlobal(symbol.name, module.path);
  const pc = `0x${position.address.toString(16)}`;
  const where = `near pc ${pc} in ${info.text(code, "name") ?? ""} ${basename(unit.name)}`;
  const names = nearestNames(name, new Set(frame.variables.map((variable) => variable.name)));
  const alternatives =
    names.length === 0 ? "" : ` (alternatives: ${names.map((each) => `$${each}`).join(", ")})`;
  return `unable to find local '${name}', [man error::dwarf] in ${module.path}, ${where}${alternatives}`;
}

function returnObject(frame: Frame, symbol: TargetSymbol): SourceObject {
  const { info, code, program, unit } = frame;
  const type = program.types.typeOf(code);
  if (strip(type).kind !== "void") {
    return { type, place: returnPlace(type), bits: null, node: symbol };
  }
  const name = `${info.text(code, "name") ?? ""} (${basename(unit.name)})`;
  throw new ResolutionError("unresolved-target", `function ${name} has no return value`, symbol);
}

/** Text of `$$vars` and the like; null if `symbol` is none of them. */
function contextText(symbol: TargetSymbol, frame: Frame): TargetValue["location"] | null {
  const objects = contextObjects(symbol.name, frame);
  if (objects === null) return null;
  checkText(symbol);
  const [pretty] = symbol.steps;
  const depth = pretty?.kind === "pretty" ? pretty.depth : 0;
  const pieces = objects.flatMap(([name, object], index): readonly FormatPiece[] => [
    { text: `${index === 0 ? "" : " "}${name}=` },
    ...shown(object, depth),
  ]);
  return { kind: "format", pieces: joinTexts(pieces), onFault: null };
}

/** Throws ResolutionError if `symbol`, which is a text, is used as something else. */
export function checkText(symbol: TargetSymbol): void {
  const misuse = symbol.steps.find((step) => step.kind !== "pretty");
  if (misuse === undefined) return;
  const as = misuse.kind === "member" ? "a structure" : "an array";
  const message = `dwarf variable '${symbol.name}' may not be used as ${as}`;
  throw new ResolutionError("unresolved-target", message, misuse);
}

/** Text between two values becomes one piece. */
function joinTexts(pieces: readonly FormatPiece[]): readonly FormatPiece[] {
  const joined: FormatPiece[] = [];
  let text = "";
  for (const piece of pieces) {
    if ("text" in piece) {
      text += piece.text;
      continue;
    }
    if (text !== "") joined.push({ text });
    joined.push(piece);
    text = "";
  }
  return text === "" ? joined : [...joined, { text }];
}

/** Names with what they stand for; null if `name` is no such text. */
function contextObjects(
  name: string,
  frame: Frame,
): readonly (readonly [string, SourceObject])[] | null {
  const named = (variables: readonly Variable[]): (readonly [string, SourceObject])[] =>
    variables.map(({ name: each, die }) => [each, objectOf(frame.program, die, frame.position)]);
  switch (name) {
    case "$$vars":
      return named(frame.variables);
    case "$$parms":
      return named(frame.variables.filter(({ isParameter }) => isParameter));
    case "$$locals":
      return named(frame.variables.filter(({ isParameter }) => !isParameter));
    case "$$return":
      return frame.isReturn ? returnObjects(frame) : null;
    default:
      return null;
  }
}

function returnObjects(frame: Frame): readonly (readonly [string, SourceObject])[] {
  const type = frame.program.types.typeOf(frame.code);
  if (strip(type).kind === "void") return [];
  return [["return", { type, place: returnPlace(type), bits: null, node: null }]];
}

type Depth = 0 | 1 | 2;

const knownPieces = new WeakMap<SourceObject, Map<Depth, readonly FormatPiece[]>>();

/** `%#x`, or pretty-printed; `?` for what is not there. */
function shown(object: SourceObject, depth: Depth): readonly FormatPiece[] {
  const known = knownPieces.get(object) ?? new Map<Depth, readonly FormatPiece[]>();
  const pieces = known.get(depth) ?? piecesOf(object, depth);
  knownPieces.set(object, known.set(depth, pieces));
  return pieces;
}

function piecesOf(object: SourceObject, depth: Depth): readonly FormatPiece[] {
  try {
    const isLost = object.place.kind === "missing";
    if (isLost && (depth === 0 || targetOf(object.place) === null)) return [{ text: "?" }];
    if (depth !== 0) return [{ nested: prettyText(object, depth) }];
    const { kind } = strip(object.type);
    if (kind === "struct") return [{ text: "{...}" }];
    if (kind === "array") return [{ text: "[...]" }];
    return [number(objectValue(object))];
  } catch (error) {
    if (error instanceof ResolutionError) return [{ text: "?" }];
    throw error;
  }
}

/** A number, `?` where it cannot be known. */
function number(value: Location): FormatPiece {
  const piece: FormatPiece = { value, conversion: "x" };
  if (!mayBeUnknown(value)) return piece;
  return { nested: { kind: "format", pieces: [piece], onFault: "?" } };
}

/** For -L: what can be read there, `$return` first. */
function listVariables(frame: Frame): readonly TargetVariable[] {
  const { program, position, isReturn, code } = frame;
  const result = program.types.typeOf(code);
  const listed = frame.variables.flatMap(({ name, die }): readonly TargetVariable[] => {
    const { type, place } = objectOf(program, die, position);
    const isReadable = place.kind !== "missing" && strip(type).kind !== "void";
    return isReadable ? [{ name: `$${name}`, type: showType(type) }] : [];
  });
  const hasResult = isReturn && strip(result).kind !== "void";
  return hasResult ? [{ name: "$return", type: showType(result) }, ...listed] : listed;
}
