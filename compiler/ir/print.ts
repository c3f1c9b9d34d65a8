/** Text of IR: one statement a line, two spaces a level, expressions as nested calls. */
import { unreachable } from "../../base/assert.js";
import type { Callee, IrExpression, IrFunction, IrModule, IrStatement } from "./ir.js";

/** The functions of `module` as text, then a line for each foreign function and data segment. */
export function showModule(module: IrModule): string {
  const functions = module.functions.map(showFunction);
  const foreign = module.foreign.map(({ reference: { name, parameters } }) => {
    return `function ${name}(${parameters.join(", ")}) of WebAssembly\n`;
  });
  const data = module.data.map((d) => `data ${d.address}: ${d.bytes.length} bytes\n`);
  return [...functions, ...foreign, ...data].join("\n");
}

/** `fn` as text. */
export function showFunction(fn: IrFunction): string {
  const parameters = fn.parameters.map((p) => `${p.name}: ${p.type}`).join(", ");
  const result = fn.reference.result === null ? "" : `: ${fn.reference.result}`;
  const exported = fn.exported === null ? "" : " exported";
  const lines = [`function ${fn.reference.name}(${parameters})${result}${exported}`];
  if (fn.locals.length > 0) {
    lines.push(`  local ${fn.locals.map((l) => `${l.name}: ${l.type}`).join(", ")}`);
  }
  showBody(fn.body, "  ", lines);
  return `${lines.join("\n")}\n`;
}

/** `expression` as text. */
export function showExpression(expression: IrExpression): string {
  switch (expression.kind) {
    case "i32":
      return `${expression.value}`;
    case "i64":
      return `${expression.value}L`;
    case "get":
      return expression.local.name;
    case "load":
      return `${expression.op}${showPlace(expression.address, expression.offset)}`;
    case "unary":
      return `${expression.op}(${showExpression(expression.operand)})`;
    case "binary":
      return `${expression.op}(${showExpression(expression.left)}, ${showExpression(expression.right)})`;
    case "call":
      return `${showCallee(expression.callee)}(${expression.args.map(showExpression).join(", ")})`;
    default:
      return unreachable(expression);
  }
}

function showCallee(callee: Callee): string {
  return callee.kind === "function" ? callee.name : `${callee.kind}.${callee.name}`;
}

function showPlace(address: IrExpression, offset: number): string {
  if (address.kind === "i32" && address.value === 0) return `[${offset}]`;
  const base = showExpression(address);
  return offset === 0 ? `[${base}]` : `[${base} + ${offset}]`;
}

function showBody(body: readonly IrStatement[], indent: string, lines: string[]): void {
  for (const statement of body) showStatement(statement, indent, lines);
}

function showStatement(statement: IrStatement, indent: string, lines: string[]): void {
  const inner = `${indent}  `;
  switch (statement.kind) {
    case "set":
      lines.push(`${indent}${statement.local.name} = ${showExpression(statement.value)}`);
      return;
    case "store": {
      const place = showPlace(statement.address, statement.offset);
      lines.push(`${indent}${statement.op}${place} = ${showExpression(statement.value)}`);
      return;
    }
    case "do":
      lines.push(`${indent}${showExpression(statement.call)}`);
      return;
    case "block":
    case "loop":
      lines.push(`${indent}${statement.kind} ${statement.label.name}`);
      showBody(statement.body, inner, lines);
      return;
    case "if":
      lines.push(`${indent}if ${showExpression(statement.condition)}`);
      showBody(statement.consequent, inner, lines);
      if (statement.alternate.length > 0) {
        lines.push(`${indent}else`);
        showBody(statement.alternate, inner, lines);
      }
      return;
    case "branch": {
      const condition =
        statement.condition === null ? "" : ` if ${showExpression(statement.condition)}`;
      lines.push(`${indent}br ${statement.label.name}${condition}`);
      return;
    }
    case "return":
      lines.push(
        `${indent}return${statement.value === null ? "" : ` ${showExpression(statement.value)}`}`,
      );
      return;
    default:
      unreachable(statement);
  }
}
