/**
 * Checks the invariants of IR: operand types, that branches leave an enclosing block, that locals
 * belong to the function and names are unique, that calls agree with signatures and that every
 * called function of the module exists. A violation is a bug of lowering.
 */
import { assert, unreachable } from "../../base/assert.js";
import { typeOf } from "./build.js";
import type {
  IrCall,
  IrExpression,
  IrFunction,
  IrLabel,
  IrLocal,
  IrModule,
  IrStatement,
  ValueType,
} from "./ir.js";
import { showExpression } from "./print.js";
import { signatureOf } from "./signatures.js";

interface Frame {
  readonly fn: IrFunction;
  readonly locals: ReadonlySet<IrLocal>;
  readonly functions: ReadonlySet<string>;
}

/** Throws InternalError if `module` breaks an invariant. */
export function verifyModule(module: IrModule): void {
  const all = [...module.functions, ...module.foreign];
  const names = all.map((fn) => fn.reference.name);
  const functions = new Set(names);
  assert(functions.size === names.length, "two functions of one name");
  for (const fn of module.functions) verifyFunction(fn, functions);
}

function verifyFunction(fn: IrFunction, functions: ReadonlySet<string>): void {
  const all = [...fn.parameters, ...fn.locals];
  const names = new Set(all.map((l) => l.name));
  assert(names.size === all.length, `${fn.reference.name}: two locals of one name`);
  const signature = fn.parameters.map((p) => p.type).join();
  assert(signature === fn.reference.parameters.join(), `${fn.reference.name}: parameter types`);
  const frame: Frame = { fn, locals: new Set(all), functions };
  verifyBody(fn.body, [], frame);
  if (fn.reference.result !== null) {
    assert(fn.body.at(-1)?.kind === "return", `${fn.reference.name}: ends without return`);
  }
}

function verifyBody(body: readonly IrStatement[], labels: readonly IrLabel[], frame: Frame): void {
  for (const statement of body) verifyStatement(statement, labels, frame);
}

function verifyStatement(statement: IrStatement, labels: readonly IrLabel[], frame: Frame): void {
  switch (statement.kind) {
    case "set":
      assert(frame.locals.has(statement.local), `${where(frame)}: foreign ${statement.local.name}`);
      verifyType(statement.value, statement.local.type, frame);
      return;
    case "store":
      verifyType(statement.address, "i32", frame);
      verifyType(statement.value, statement.op.startsWith("i64") ? "i64" : "i32", frame);
      assert(statement.offset >= 0, `${where(frame)}: negative offset`);
      return;
    case "do":
      verifyCall(statement.call, frame);
      return;
    case "block":
    case "loop":
      assert(!labels.some((l) => l.name === statement.label.name), `${where(frame)}: label twice`);
      verifyBody(statement.body, [...labels, statement.label], frame);
      return;
    case "if":
      verifyType(statement.condition, "i32", frame);
      verifyBody(statement.consequent, labels, frame);
      verifyBody(statement.alternate, labels, frame);
      return;
    case "branch":
      assert(labels.includes(statement.label), `${where(frame)}: no label ${statement.label.name}`);
      if (statement.condition !== null) verifyType(statement.condition, "i32", frame);
      return;
    case "return": {
      const { result } = frame.fn.reference;
      assert((statement.value === null) === (result === null), `${where(frame)}: return value`);
      if (statement.value !== null && result !== null) verifyType(statement.value, result, frame);
      return;
    }
    default:
      unreachable(statement);
  }
}

function verifyType(expression: IrExpression, type: ValueType, frame: Frame): void {
  verifyExpression(expression, frame);
  const found = typeOf(expression);
  assert(found === type, `${where(frame)}: ${showExpression(expression)} is ${found}, not ${type}`);
}

function verifyExpression(expression: IrExpression, frame: Frame): void {
  switch (expression.kind) {
    case "i32":
    case "i64":
      return;
    case "get":
      assert(
        frame.locals.has(expression.local),
        `${where(frame)}: foreign ${expression.local.name}`,
      );
      return;
    case "load":
      assert(expression.offset >= 0, `${where(frame)}: negative offset`);
      verifyType(expression.address, "i32", frame);
      return;
    case "unary":
      verifyType(expression.operand, operandType(expression.op), frame);
      return;
    case "binary": {
      const type = expression.op.startsWith("i64") ? "i64" : "i32";
      verifyType(expression.left, type, frame);
      verifyType(expression.right, type, frame);
      return;
    }
    case "call":
      verifyCall(expression, frame);
      return;
    default:
      unreachable(expression);
  }
}

function operandType(op: string): ValueType {
  if (op.includes("_i32")) return "i32";
  if (op.includes("_i64")) return "i64";
  return op.startsWith("i64") ? "i64" : "i32";
}

function verifyCall(call: IrCall, frame: Frame): void {
  const { parameters } = signatureOf(call.callee);
  const name = call.callee.name;
  assert(call.args.length === parameters.length, `${where(frame)}: arguments of ${name}`);
  for (const [at, parameter] of parameters.entries()) {
    verifyType(call.args[at] ?? { kind: "i32", value: 0 }, parameter, frame);
  }
  if (call.callee.kind === "function") {
    assert(frame.functions.has(name), `${where(frame)}: call of unknown ${name}`);
  }
}

function where(frame: Frame): string {
  return `function ${frame.fn.reference.name}`;
}
