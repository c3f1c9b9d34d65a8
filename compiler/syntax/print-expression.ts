/** Expressions → text in the form of `stap -p1`: see print.ts. */
import { unreachable } from "../../base/assert.js";
import type { AccessStep, Expression, PrintExpression, PrintPiece } from "./ast.js";
import { showString } from "./strings.js";

/** Text of `expression`; operands are in parentheses. */
export function showExpression(expression: Expression): string {
  const e = expression;
  switch (e.kind) {
    case "number":
      return String(e.value);
    case "string":
      return showString(e.value);
    case "identifier":
      return e.name;
    case "index":
      return `${showExpression(e.base)}[${showList(e.indexes)}]`;
    case "unary":
      return showUnary(e.operator, e.operand);
    case "update":
      return e.prefix ? e.operator + inside(e.operand) : inside(e.operand) + e.operator;
    case "binary":
    case "logical":
      return `${inside(e.left)} ${e.operator} ${inside(e.right)}`;
    case "concatenation":
      return `${inside(e.left)} . ${inside(e.right)}`;
    case "ternary":
      return `${inside(e.condition)}?${inside(e.consequent)}:${inside(e.alternate)}`;
    case "assignment":
      return `${inside(e.target)} ${e.operator} ${inside(e.value)}`;
    case "in":
      return `[${showList(e.indexes)}] in ${showExpression(e.base)}`;
    case "match":
      return `${inside(e.left)} ${e.operator} "${e.regex.value.replaceAll('"', '\\"')}"`;
    case "call":
      return `${e.name}(${showList(e.args)})`;
    case "print":
      return showPrint(e);
    case "aggregate":
      return `@${e.operator}(${showExpression(e.stat)}${e.shift === null ? "" : `, ${e.shift}`})`;
    case "histogram":
      return `@${e.operator}(${[showExpression(e.stat), ...e.parameters].join(", ")})`;
    case "target":
      return (e.atVar ? showVar(e.name, e.module) : e.name) + showSteps(e.steps);
    case "cast":
      return `@cast(${showList([e.operand])}, ${showNames(e.type, e.module)})${showSteps(e.steps)}`;
    case "autocast":
      return inside(e.operand) + showSteps(e.steps);
    case "entry":
    case "defined":
    case "probewrite":
      return `@${e.kind}(${showExpression(e.operand)})`;
    case "perf":
      return `@perf(${showString(e.counter)})`;
    case "register":
      return `@${e.operator}(${showExpression(e.index)})`;
    case "deref":
      return `@${e.operator}(${showList([e.size, e.address])})`;
    case "enum":
      return `@${e.operator}(${showList(e.args)})`;
    case "const":
      return `%{ /* pure */ /* unprivileged */ /* stable */ ${e.code} %}`;
    case "embedded":
      return `%{ ${e.code} %}`;
    default:
      return unreachable(e);
  }
}

function inside(expression: Expression): string {
  return `(${showExpression(expression)})`;
}

function showList(list: readonly (Expression | null)[]): string {
  return list.map((item) => (item === null ? "*" : showExpression(item))).join(", ");
}

/** A number whose sign bit is set looks like a negation, so `-` keeps its parentheses. */
function showUnary(operator: string, operand: Expression): string {
  const isAccess =
    operand.kind === "target" || operand.kind === "cast" || operand.kind === "autocast";
  return operator === "&" && isAccess ? `&${showExpression(operand)}` : operator + inside(operand);
}

function showNames(first: string, module: string | null): string {
  return module === null ? showString(first) : `${showString(first)}, ${showString(module)}`;
}

function showVar(name: string, module: string | null): string {
  return `@var(${showNames(name, module)})`;
}

function showSteps(steps: readonly AccessStep[]): string {
  return steps
    .map((step) => {
      if (step.kind === "member") return `->${step.name}`;
      return step.kind === "element"
        ? `[${showExpression(step.index)}]`
        : `->${"$".repeat(step.depth)}`;
    })
    .join("");
}

function showPrint(print: PrintExpression): string {
  const lead =
    print.format !== null
      ? [showString(print.format.map(showPiece).join(""))]
      : print.delimiter !== null
        ? [showString(print.delimiter)]
        : [];
  return `${print.name}(${[...lead, ...print.args.map(showExpression)].join(", ")})`;
}

/** A piece as it stands in the format. */
export function showPiece(piece: PrintPiece): string {
  if (piece.kind === "text") return piece.text.replaceAll("%", "%%");
  const precision = piece.precision === null ? "" : `.${piece.precision}`;
  return `%${piece.flag ?? ""}${piece.width ?? ""}${precision}${piece.conversion}`;
}
