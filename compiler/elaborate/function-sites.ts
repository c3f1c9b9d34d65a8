/** Sites of `.function("f")` and `.statement("f")` without lines: where functions are entered. */

import { isPattern } from "../elf/glob.js";
import type { ProbePoint } from "../syntax/ast.js";
import { type ChosenFunction, chooseFunctions, functionAtEntry } from "./code-functions.js";
import { type CodeQuery, entryPlace, entryTargets, showPlace } from "./code-query.js";
import { codeSite } from "./code-site.js";
import { findComponent, hasComponent, withArguments } from "./point.js";
import { probeAddress } from "./prologue.js";
import type { Site } from "./site.js";
import { mayReturn, symbolSites } from "./symbol-functions.js";

/** What was found in one module. */
export interface Found {
  readonly sites: readonly Site[];
  /** Functions that cannot be probed as asked for because they are only inlined. */
  readonly onlyInlined: ReadonlySet<string>;
}

/** Sites of the functions that the query means; of those without debug information by symbol. */
export function functionSites(query: CodeQuery): Found {
  const { where, info, pattern, context } = query;
  const { point, module } = where;
  const { functions, onlyInlined } = chooseFunctions(info, module, pattern, point);
  if (isMeantAsStatement(query, functions)) {
    context.report.warn({
      code: "function-line",
      message: "For probing a particular line, use a .statement() probe, not .function()",
      node: point,
    });
  }
  const sites = functions.flatMap((code) => functionSite(query, code));
  const entries = new Set(functions.map(({ entry }) => entry));
  const others = isByNameAlone(query)
    ? symbolSites(
        where,
        pattern.name,
        context,
        (address) => !entries.has(address) && functionAtEntry(info, address) === null,
      )
    : [];
  return { sites: [...sites, ...others], onlyInlined };
}

/** `point` with the name of its function, or statement, replaced. */
export function withPlace(point: ProbePoint, place: string): ProbePoint {
  return withArguments(point, { function: place, statement: place });
}

function functionSite(query: CodeQuery, code: ChosenFunction): readonly Site[] {
  const { where, info, pattern, context } = query;
  const { point } = where;
  const isReturn = hasComponent(point, "return");
  if (isReturn && !mayReturn(code.name, isPattern(pattern.name), point, context)) return [];
  const [range] = code.ranges;
  const size = range?.begin === code.entry ? range.end - range.begin : 0;
  const isStatement = hasComponent(point, "statement");
  const searching = isReturn || isStatement ? "never" : context.context.options.prologueSearching;
  const address = probeAddress(info, code, searching);
  return [
    codeSite({
      ...(isReturn ? { entry: entryPlace(query, code) } : {}),
      where,
      point: withPlace(point, showPlace(code.name, code.file, code.line)),
      listed: withPlace(point, showPlace(code.listedName, code.file, code.line)),
      address,
      size: address === code.entry ? size : 0,
      symbol: code.name,
      isReturn,
      targets: entryTargets(query, code, address, isReturn),
    }),
  ];
}

/** Symbols have no files and scopes, and know nothing of inlining. */
function isByNameAlone({ where, pattern }: CodeQuery): boolean {
  const isFunction = findComponent(where.point, "function") !== null;
  const plain = pattern.file === null && pattern.scopes.length === 0;
  return isFunction && plain && !hasComponent(where.point, "inline");
}

/** True if a line is asked for that is not that of the function's declaration. */
function isMeantAsStatement(
  { where, pattern }: CodeQuery,
  functions: readonly ChosenFunction[],
): boolean {
  const { lines, name } = pattern;
  if (lines === null || !hasComponent(where.point, "function")) return false;
  const isExact =
    lines.kind === "absolute" && !isPattern(name) && functions[0]?.line === lines.line;
  return !isExact;
}
