/**
 * Points in the code of processes (language.md §14.2): which family each is, and the modules it
 * is looked for in. With debug information functions, lines, labels and calls are those of the
 * source; without it functions are those of the symbol table.
 */
import type { ProbePoint } from "../syntax/ast.js";
import { addressSites } from "./address-sites.js";
import { calleeSites } from "./callee-sites.js";
import type { CodeQuery } from "./code-query.js";
import { debugInfoOf, readingDebugInfo } from "./debug-info.js";
import { type FunctionPattern, parseFunctionPattern } from "./function-pattern.js";
import { functionSites } from "./function-sites.js";
import { labelSites } from "./label-sites.js";
import { findComponent, hasComponent, stringArgument } from "./point.js";
import { type ProcessModule, processModules } from "./process-path.js";
import { ResolutionError } from "./report.js";
import { nearestNames } from "./similar.js";
import type { FamilyContext, FamilyTable, Site } from "./site.js";
import { statementSites } from "./statement-sites.js";
import { symbolSites } from "./symbol-functions.js";

/** Roots of every point in the code of a process. */
export const CODE_ROOTS: readonly string[] = [
  "process",
  "process(string)",
  "process(number)",
  "process.library(string)",
  "process(string).library(string)",
  "process(number).library(string)",
];

const CALLEES = ["callee(string)", "callee(string).call", "callee(string).return"];

/** Suffixes of `.function("…")` and `.statement("…")`. */
const NAMED: readonly string[] = [
  ...["", ".call", ".inline", ".exported", ".return"].map((suffix) => `function(string)${suffix}`),
  ...["label(string)", ...CALLEES, "callees", "callees(number)"].map(
    (suffix) => `function(string).${suffix}`,
  ),
  "statement(string)",
  "statement(string).nearest",
];
const ADDRESSED: readonly string[] = [
  ...["", ".call", ".inline", ".exported", ".return"].map((suffix) => `function(number)${suffix}`),
  "statement(number)",
  "statement(number).nearest",
];

/** The families of functions, statements, labels, callees and addresses. */
export const CODE_FAMILIES: FamilyTable = CODE_ROOTS.flatMap(
  (root): FamilyTable => [
    ...NAMED.map((suffix) => [`${root}.${suffix}`, readingDebugInfo(namedSites)] as const),
    ...ADDRESSED.map((suffix) => [`${root}.${suffix}`, readingDebugInfo(addressSites)] as const),
  ],
);

function namedSites(point: ProbePoint, context: FamilyContext): readonly Site[] {
  const name = hasComponent(point, "function") ? "function" : "statement";
  const text = stringArgument(point, name) ?? "";
  const pattern = parseFunctionPattern(text);
  if (pattern === null) {
    const message = `malformed specification '${text}'`;
    throw new ResolutionError("malformed-pattern", message, findComponent(point, name));
  }
  const modules = processModules(point, context);
  const onlyInlined = new Set<string>();
  const sites = modules.flatMap((where) => {
    const info = debugInfoOf(where.module, context);
    if (info === null) {
      return isBySymbol(point, pattern) ? symbolSites(where, pattern.name, context) : [];
    }
    const found = sitesIn({ where, info, pattern, context });
    for (const each of found.onlyInlined) onlyInlined.add(each);
    return found.sites;
  });
  if (sites.length > 0) return sites;
  warnInlined(onlyInlined, point, context);
  throw noMatch(modules, point, pattern, context);
}

function sitesIn(query: CodeQuery): ReturnType<typeof functionSites> {
  const { point } = query.where;
  const { lines } = query.pattern;
  const found = (sites: readonly Site[]): ReturnType<typeof functionSites> => ({
    sites,
    onlyInlined: new Set(),
  });
  if (hasComponent(point, "label")) return found(labelSites(query));
  if (hasComponent(point, "callee") || hasComponent(point, "callees")) {
    return found(calleeSites(query));
  }
  if (lines !== null && hasComponent(point, "statement"))
    return found(statementSites(query, lines));
  return functionSites(query);
}

/** Suffixes of functions that the symbol table is enough for. */
const BY_SYMBOL: ReadonlySet<string> = new Set(["function", "call", "exported", "return"]);

/** True if functions are meant by their plain names, which symbols have too. */
function isBySymbol(point: ProbePoint, { file, scopes }: FunctionPattern): boolean {
  const at = point.components.findIndex(({ name }) => name === "function");
  const suffixes = at < 0 ? ["statement"] : point.components.slice(at).map(({ name }) => name);
  return file === null && scopes.length === 0 && suffixes.every((name) => BY_SYMBOL.has(name));
}

/** How many characters of names are shown. */
const MOST_NAMES = 80;

function warnInlined(
  names: ReadonlySet<string>,
  point: ProbePoint,
  { report }: FamilyContext,
): void {
  if (names.size === 0) return;
  let list = "";
  for (const name of names) {
    list += ` ${name}`;
    if (list.length > MOST_NAMES) {
      list += " ...";
      break;
    }
  }
  const message = `cannot probe .return of ${names.size} inlined functions ${list}`;
  report.warn({ code: "inlined-return", message, node: findComponent(point, "function") });
}

function noMatch(
  modules: readonly ProcessModule[],
  point: ProbePoint,
  pattern: FunctionPattern,
  context: FamilyContext,
): ResolutionError {
  const { name, lines } = pattern;
  const infos = modules.map(({ module }) => debugInfoOf(module, context));
  const [first] = modules;
  const isMissing = infos.length > 0 && infos.every((info) => info === null);
  if (isMissing && !isBySymbol(point, pattern)) {
    const path = first?.module.path ?? "";
    const message = `no match (no debug information found for '${path}')`;
    return new ResolutionError("no-debuginfo", message);
  }
  const names = new Set([
    ...infos.flatMap((info) => info?.functions(() => true).map((entry) => entry.name) ?? []),
    ...modules.flatMap(({ module }) => module.symbols.map((symbol) => symbol.name)),
  ]);
  if (names.size === 0 && first !== undefined) {
    return new ResolutionError("no-match", `no match: '${first.module.path}' has no symbols`);
  }
  const near = [...(names.has(name) ? [name] : []), ...nearestNames(name, names)].slice(0, 5);
  const isHinted = lines === null && near.length > 0;
  const hint = isHinted ? ` (similar functions: ${near.join(", ")})` : "";
  return new ResolutionError("no-match", `no match${hint}`);
}
