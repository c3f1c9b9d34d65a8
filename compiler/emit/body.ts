/** Instructions of one IR function: a walk that replaces labels by depths and locals by indices. */
import { bug, unreachable } from "../../base/assert.js";
import type { Instruction } from "../../wasm-runtime/module/module.js";
import type {
  Callee,
  IrCall,
  IrExpression,
  IrFunction,
  IrLabel,
  IrLocal,
  IrStatement,
} from "../ir/ir.js";

/** State of the walk over one function. */
interface BodyWriter {
  readonly out: Instruction[];
  readonly locals: ReadonlyMap<IrLocal, number>;
  /** Enclosing structured instructions, outermost first; null = an `if` nobody branches to. */
  readonly labels: (IrLabel | null)[];
  indexOf(callee: Callee): number;
  hasResult(callee: Callee): boolean;
}

/** Instructions of `fn`; `indexOf` gives function indices of callees. */
export function emitBody(
  fn: IrFunction,
  indexOf: (callee: Callee) => number,
  hasResult: (callee: Callee) => boolean,
): readonly Instruction[] {
  const locals = new Map([...fn.parameters, ...fn.locals].map((local, index) => [local, index]));
  const writer: BodyWriter = { out: [], locals, labels: [], indexOf, hasResult };
  const last = fn.body.at(-1);
  if (last?.kind === "return") {
    emitStatements(fn.body.slice(0, -1), writer);
    if (last.value !== null) emitExpression(last.value, writer);
  } else {
    emitStatements(fn.body, writer);
  }
  return writer.out;
}

function emitStatements(body: readonly IrStatement[], writer: BodyWriter): void {
  for (const statement of body) emitStatement(statement, writer);
}

function emitStatement(statement: IrStatement, writer: BodyWriter): void {
  const { out } = writer;
  switch (statement.kind) {
    case "set":
      emitExpression(statement.value, writer);
      out.push({ op: "local.set", local: localIndex(statement.local, writer) });
      return;
    case "store":
      emitExpression(statement.address, writer);
      emitExpression(statement.value, writer);
      out.push({ op: statement.op, offset: statement.offset });
      return;
    case "do":
      emitCall(statement.call, writer);
      if (writer.hasResult(statement.call.callee)) out.push({ op: "drop" });
      return;
    case "block":
    case "loop":
      out.push({ op: statement.kind, type: null });
      emitNested(statement.body, statement.label, writer);
      out.push({ op: "end" });
      return;
    case "if":
      emitIf(statement, writer);
      return;
    case "branch":
      emitBranch(statement.label, statement.condition, writer);
      return;
    case "return":
      if (statement.value !== null) emitExpression(statement.value, writer);
      out.push({ op: "return" });
      return;
    default:
      unreachable(statement);
  }
}

function emitNested(body: readonly IrStatement[], label: IrLabel | null, writer: BodyWriter): void {
  writer.labels.push(label);
  emitStatements(body, writer);
  writer.labels.pop();
}

function emitIf(statement: IrStatement & { readonly kind: "if" }, writer: BodyWriter): void {
  emitExpression(statement.condition, writer);
  writer.out.push({ op: "if", type: null });
  emitNested(statement.consequent, null, writer);
  if (statement.alternate.length > 0) {
    writer.out.push({ op: "else" });
    emitNested(statement.alternate, null, writer);
  }
  writer.out.push({ op: "end" });
}

function emitBranch(label: IrLabel, condition: IrExpression | null, writer: BodyWriter): void {
  const at = writer.labels.lastIndexOf(label);
  if (at < 0) bug(`branch to '${label.name}' from outside`);
  const depth = writer.labels.length - 1 - at;
  if (condition !== null) emitExpression(condition, writer);
  writer.out.push({ op: condition === null ? "br" : "br_if", label: depth });
}

function emitExpression(expression: IrExpression, writer: BodyWriter): void {
  const { out } = writer;
  switch (expression.kind) {
    case "i32":
      out.push({ op: "i32.const", value: expression.value });
      return;
    case "i64":
      out.push({ op: "i64.const", value: expression.value });
      return;
    case "get":
      out.push({ op: "local.get", local: localIndex(expression.local, writer) });
      return;
    case "load":
      emitExpression(expression.address, writer);
      out.push({ op: expression.op, offset: expression.offset });
      return;
    case "unary":
      emitExpression(expression.operand, writer);
      out.push({ op: expression.op });
      return;
    case "binary":
      emitExpression(expression.left, writer);
      emitExpression(expression.right, writer);
      out.push({ op: expression.op } as Instruction);
      return;
    case "call":
      emitCall(expression, writer);
      return;
    default:
      unreachable(expression);
  }
}

function emitCall(call: IrCall, writer: BodyWriter): void {
  for (const arg of call.args) emitExpression(arg, writer);
  writer.out.push({ op: "call", function: writer.indexOf(call.callee) });
}

function localIndex(local: IrLocal, writer: BodyWriter): number {
  return writer.locals.get(local) ?? bug(`local '${local.name}' of another function`);
}
