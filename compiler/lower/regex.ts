/**
 * `=~` and `!~`: each pattern becomes tables in the constants of the bundle, and a match a call of
 * the library with their addresses. Only scripts that ask for captures pay for them: then the last
 * match is kept in the thread's context, as a MATCH.
 */
import { align8, MATCH } from "../../wasm-runtime/layout/values.js";
import { binary, i32, not } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import { compileRegex, type RegexTables } from "../regex/regex.js";
import { RegexError } from "../regex/syntax.js";
import type { MatchExpression } from "../syntax/ast.js";
import { nodesIn } from "../syntax/walk.js";
import type { Program } from "../types/program.js";
import type { Code } from "./children.js";
import { boundName } from "./library-calls.js";
import type { Limits } from "./limits.js";
import { callForValue, lowerText, type Scope } from "./scope.js";
import type { Unit } from "./unit.js";

/** All patterns of a program. */
export interface RegexPlan {
  /** By the text of the pattern. */
  readonly tables: ReadonlyMap<string, RegexTables>;
  /** Bytes of a MATCH that holds the captures of any of them; 0 if nobody asks for these. */
  readonly matchBytes: number;
}

/** Compiles the patterns of `program`; reports those that are too large. */
export function planRegexes(program: Program, limits: Limits, report: Unit["report"]): RegexPlan {
  const captures = program.functions.some((fn) => CAPTURES.has(boundName(fn) ?? ""));
  const tables = new Map<string, RegexTables>();
  let registers = 0;
  for (const { regex } of matchesOf(program)) {
    const pattern = regex.value;
    if (tables.has(pattern)) continue;
    try {
      const compiled = compileRegex(pattern, captures);
      registers = Math.max(registers, compiled.registers);
      tables.set(pattern, compiled);
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      report({
        code: "regex-too-large",
        severity: "semantic error",
        message: `regex compilation error${error.message}`,
        span: regex.span,
        token: "string",
        notes: [],
      });
    }
  }
  const matchBytes = captures ? MATCH.text + align8(limits.maxString) + align8(4 * registers) : 0;
  return { tables, matchBytes };
}

/** i32 truth of `left =~ regex` or `left !~ regex`. */
export function lowerMatch(node: MatchExpression, scope: Scope): IrExpression {
  const text = lowerText(node.left, scope).address;
  const { data, plan, regexes } = scope.unit;
  const tables = regexes.tables.get(node.regex.value);
  // A pattern without tables was reported.
  if (tables === undefined) return i32(0);
  const search = i32(data.bytes(tables.search));
  const matches =
    tables.capture === null
      ? callForValue(scope, "regex_test", [text, search])
      : callForValue(scope, "regex_match", [
          scope.context,
          text,
          search,
          i32(data.bytes(tables.capture)),
          binary("i32.add", scope.context, i32(plan.match)),
        ]);
  return node.operator === "=~" ? matches : not(matches);
}

/** Library functions that read the last match. */
const CAPTURES: ReadonlySet<string> = new Set(["matched", "ngroups"]);

function* matchesOf(program: Program): Generator<MatchExpression> {
  const bodies: Code[] = program.handlers.flatMap(({ conditions, body }) => [...conditions, body]);
  for (const { body } of program.functions) if (body.kind === "block") bodies.push(body);
  for (const body of bodies) {
    for (const node of nodesIn(body)) if (node.kind === "match") yield node;
  }
}
