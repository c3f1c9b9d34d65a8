/**
 * Calls of embedded code: function bodies, expressions and statements between %{ and %}, and
 * @const. Collects the blocks that are called; compiler/embedded makes functions of them once all
 * are known. Every call begins with an empty arena and as many rounds of its loops as a handler may
 * run statements, and ends with the error of the block, if any.
 */
import { assert } from "../../base/assert.js";
import {
  type Accessor,
  ARENA,
  type BlockForm,
  type EmbeddedBlock,
  plainConstant,
  wasmType,
} from "../embedded/block.js";
import { binary, get, i32, i64, load } from "../ir/build.js";
import type { FunctionReference, IrExpression, IrLocal } from "../ir/ir.js";
import type { ConstExpression, EmbeddedCode } from "../syntax/ast.js";
import type { FunctionInstance, Local, ScalarType } from "../types/program.js";
import { referenceTo } from "./reference.js";
import { callOf, checkError, type Place, type Scope, type Text, takeText } from "./scope.js";
import type { Unit } from "./unit.js";

/** The number that `node` gives. */
export function embeddedLong(node: EmbeddedCode | ConstExpression, scope: Scope): IrExpression {
  const constant = node.kind === "const" ? plainConstant(node) : null;
  if (constant !== null) return i64(constant);
  const long = scope.code.temporary("i64");
  callBlock(inlineCall("expression", node, "long", scope), { long, out: null }, scope);
  return get(long);
}

/** The string that `node` gives. */
export function embeddedText(node: EmbeddedCode, scope: Scope, destination?: Text): Text {
  const out = destination ?? takeText(scope);
  callBlock(inlineCall("expression", node, "string", scope), { long: null, out }, scope);
  return out;
}

/** Runs the statement `node`; its next() is the statement `next`. */
export function embeddedStatement(node: EmbeddedCode, scope: Scope): void {
  callBlock(inlineCall("statement", node, "void", scope), { long: null, out: null }, scope);
  if (!mayRunNext(node.code)) return;
  scope.code.branch(scope.exit, load("i32.load", scope.context, scope.unit.plan.nextFlag));
}

/** The call `node` of function `fn`, whose body is embedded code. */
export function callEmbeddedFunction(
  node: Place,
  fn: FunctionInstance,
  args: readonly IrExpression[],
  result: BlockResult,
  scope: Scope,
): void {
  const { body, parameters } = fn;
  assert(body.kind === "embedded", `'${fn.name}' is a script function`);
  const block = blockOf(
    { form: "function", node: body, parameters, result: fn.result },
    scope.unit,
  );
  const out = result.out ?? (fn.result === "string" ? takeText(scope) : null);
  const long = fn.result === "long" ? result.long : null;
  callBlock({ block, args, trail: [fn, node] }, { long, out }, scope);
}

/** True if `code` calls next(). */
export function mayRunNext(code: string): boolean {
  return /\bnext\s*\(/.test(code);
}

/** Where a value goes: a number, a string (copied to `out`), or nowhere. */
export interface BlockResult {
  readonly long: IrLocal | null;
  readonly out: Text | null;
}

/** A call of a block; errors are reported at the first place of `trail`, called from the others. */
interface BlockCall {
  readonly block: EmbeddedBlock;
  readonly args: readonly IrExpression[];
  readonly trail: readonly Place[];
}

function callBlock(
  { block, args, trail }: BlockCall,
  { long, out }: BlockResult,
  scope: Scope,
): void {
  const { code, context, unit } = scope;
  const { arena, nextFlag } = unit.plan;
  const firstFree = binary("i32.add", context, i32(arena + ARENA.objects));
  code.store("i32.store", context, arena + ARENA.top, firstFree);
  code.store("i32.store", context, arena + ARENA.rounds, i32(unit.limits.maxAction ?? 0));
  code.store("i32.store", context, nextFlag, i32(0));
  const call = callOf(block.reference, [...args, ...(out === null ? [] : [out.address]), context]);
  if (long !== null) code.set(long, call);
  else code.emit({ kind: "do", call });
  checkError(scope, ...trail);
}

function inlineCall(
  form: BlockForm,
  node: EmbeddedCode | ConstExpression,
  result: ScalarType | "void",
  scope: Scope,
): BlockCall {
  return {
    block: blockOf({ form, node, parameters: [], result }, scope.unit),
    args: [],
    trail: [node],
  };
}

interface BlockUse {
  readonly form: BlockForm;
  readonly node: EmbeddedCode | ConstExpression;
  readonly parameters: readonly Local[];
  readonly result: ScalarType | "void";
}

/** The block of `use`; the same for code that several handlers have from one place. */
function blockOf({ form, node, parameters, result }: BlockUse, unit: Unit): EmbeddedBlock {
  const { file, start } = node.span;
  const types = parameters.map((p) => p.type).join();
  const accessors = accessorsOf(node, unit);
  const names = accessors.map(({ reference }) => reference.name).join();
  const key = `${file.name}:${start}:${types}:${result}:${names}`;
  const known = unit.blocks.get(key);
  if (known !== undefined) return known;
  const out: "i32"[] = result === "string" ? ["i32"] : [];
  const reference: FunctionReference = {
    kind: "function",
    name: `embedded_${unit.blocks.size}`,
    parameters: [...parameters.map((p) => wasmType(p.type)), ...out, "i32"],
    result: result === "long" ? "i64" : null,
  };
  const block: EmbeddedBlock = { form, node, parameters, result, accessors, reference };
  unit.blocks.set(key, block);
  return block;
}

function accessorsOf(node: EmbeddedCode | ConstExpression, unit: Unit): readonly Accessor[] {
  return (unit.program.calls.get(node.id) ?? []).map(
    (fn): Accessor => ({
      name: fn.name,
      parameters: fn.parameters,
      result: fn.result,
      reference: referenceTo(fn, unit),
    }),
  );
}
