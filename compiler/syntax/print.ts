/**
 * Trees → text in the form of `stap -p1`: every operand in parentheses, one statement a line, no
 * indentation. What is shown parses to the same tree.
 */
import { unreachable } from "../../base/assert.js";
import type {
  BlockStatement,
  EmbeddedCode,
  ForeachStatement,
  FunctionDeclaration,
  GlobalDeclaration,
  IfStatement,
  NumberLiteral,
  ProbeAlias,
  ProbeDeclaration,
  ProbePoint,
  Script,
  Statement,
  StringLiteral,
} from "./ast.js";
import { showExpression } from "./print-expression.js";

export { showExpression } from "./print-expression.js";

/** Text of `script` after the line `# file NAME`. */
export function showScript(script: Script): string {
  const lines = [
    `# file ${script.file.name}`,
    ...script.embedded.map((code) => showEmbedded(code)),
    ...script.globals.map(showGlobal),
    ...script.aliases.map(showAlias),
    ...script.probes.map(showProbe),
    ...script.functions.map(showFunction),
  ];
  return `${lines.join("\n")}\n`;
}

function showEmbedded(embedded: EmbeddedCode): string {
  return `%{${embedded.code}%}`;
}

function showGlobal(global: GlobalDeclaration): string {
  const size = global.size === null ? "" : `[${global.size}]`;
  const initial = global.initial === null ? "" : ` = ${showLiteral(global.initial)}`;
  const scope = global.isPrivate ? "private global" : "global";
  return `${scope} ${global.name}${global.wrap ? "%" : ""}${size}${initial}`;
}

/** A literal where only literals stand: a number with its sign. */
function showLiteral(literal: NumberLiteral | StringLiteral): string {
  return literal.kind === "number" ? String(literal.value) : showExpression(literal);
}

function showFunction(declaration: FunctionDeclaration): string {
  const type = declaration.type === null ? "" : `:${declaration.type}`;
  const parameters = declaration.parameters.map(
    (parameter) => parameter.name + (parameter.type === null ? "" : `:${parameter.type}`),
  );
  const priority = declaration.priority === null ? "" : `:${declaration.priority}`;
  const scope = declaration.isPrivate ? "private function" : "function";
  const { body } = declaration;
  const text = body.kind === "embedded" ? showEmbedded(body) : showBlock(body);
  return `${scope} ${declaration.name}${type} (${parameters.join(", ")})${priority}\n${text}`;
}

function showProbe(probe: ProbeDeclaration): string {
  return `probe ${probe.points.map(showProbePoint).join(",")}${showBlock(probe.body)}`;
}

function showAlias(alias: ProbeAlias): string {
  const blocks = [alias.prologue, alias.epilogue].filter((block) => block !== null);
  return `probe ${showAliasHead(alias)}${blocks.map(showBlock).join(", ")}`;
}

/** Names and points of `alias`: `name = point, …`. */
export function showAliasHead(alias: ProbeAlias): string {
  const names = alias.names.map(showProbePoint).join(" = ");
  const points = alias.points.map(showProbePoint).join(", ");
  return `${names} ${alias.prologue === null ? "+=" : "="} ${points}`;
}

/** Text of a probe point as a user may write it. */
export function showProbePoint(point: ProbePoint): string {
  const components = point.components.map(({ name, argument }) =>
    argument === null ? name : `${name}(${showLiteral(argument)})`,
  );
  const mark = point.sufficient ? "!" : point.optional ? "?" : "";
  const condition = point.condition === null ? "" : ` if (${showExpression(point.condition)})`;
  return `${components.join(".")}${mark}${condition}`;
}

function showBlock(block: BlockStatement): string {
  const lines = block.statements.map((statement) => `${showStatement(statement)};\n`);
  return `{\n${lines.join("")}}`;
}

/** Text of `statement` without the semicolon after it. */
export function showStatement(statement: Statement): string {
  switch (statement.kind) {
    case "block":
      return showBlock(statement);
    case "null":
      return ";";
    case "expression":
      return showExpression(statement.expression);
    case "if":
      return showIf(statement);
    case "for": {
      const { initial, condition, update } = statement;
      const parts = [initial, condition, update].map((part) => part && showExpression(part));
      const [first, test, step] = parts;
      return `for (${first ?? ""}; ${test ?? "1"}; ${step ?? ""}) ${showStatement(statement.body)}`;
    }
    case "while":
      return `for (; ${showExpression(statement.condition)}; ) ${showStatement(statement.body)}`;
    case "foreach":
      return showForeach(statement);
    case "break":
    case "continue":
    case "next":
      return statement.kind;
    case "return":
      return statement.value === null ? "return" : `return ${showExpression(statement.value)}`;
    case "delete":
      return `delete ${showExpression(statement.target)}`;
    case "try": {
      const variable = statement.variable === null ? "" : `(${statement.variable.name}) `;
      return `try {\n${showBlock(statement.body)}\n} catch ${variable}{\n${showBlock(statement.handler)}\n}\n`;
    }
    case "embedded":
      return showEmbedded(statement);
    default:
      return unreachable(statement);
  }
}

function showIf(statement: IfStatement): string {
  const alternate =
    statement.alternate === null ? "" : `else ${showStatement(statement.alternate)}\n`;
  return `if (${showExpression(statement.condition)}) ${showStatement(statement.consequent)}\n${alternate}`;
}

function showForeach(statement: ForeachStatement): string {
  const { sort, slice, limit } = statement;
  const value = statement.value === null ? "" : `${statement.value.name} = `;
  const keys = statement.keys.map(
    ({ name }, index) => name + (sort?.by === index ? sort.direction : ""),
  );
  const elements = slice?.map((element) => (element === null ? "*" : showExpression(element)));
  const array = showExpression(statement.base) + (elements ? `[${elements.join(", ")}]` : "");
  const statistic = sort?.statistic ? ` @${sort.statistic}` : "";
  const order = sort?.by === "value" ? statistic + sort.direction : "";
  const end = limit === null ? "" : ` limit ${showExpression(limit)}`;
  return `foreach (${value}[${keys.join(", ")}] in ${array}${order}${end}) ${showStatement(statement.body)}`;
}
