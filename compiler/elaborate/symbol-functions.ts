/** Functions by symbol table alone: what can be probed where there is no debug information. */
import type { ElfSymbol } from "../../base/elf/symbols.js";
import { isPattern, wildcard } from "../elf/glob.js";
import type { Module } from "../elf/read.js";
import type { ProbePoint } from "../syntax/ast.js";
import { codeSite } from "./code-site.js";
import { symbolTargets } from "./code-targets.js";
import { findComponent, hasComponent, withArguments } from "./point.js";
import type { ProcessModule } from "./process-path.js";
import { ResolutionError } from "./report.js";
import type { FamilyContext, Site } from "./site.js";
import { indexAbove } from "./statement-lines.js";

/** Sites of the functions whose names `pattern` is or matches, where `isWanted` their address. */
export function symbolSites(
  where: ProcessModule,
  pattern: string,
  context: FamilyContext,
  isWanted: (address: number) => boolean = () => true,
): Site[] {
  const { module, point } = where;
  const symbols = isPattern(pattern)
    ? matchingSymbols(module, pattern, point, context)
    : module.symbols.filter((symbol) => symbol.name === pattern);
  const exported = hasComponent(point, "exported");
  const byAddress = new Map<number, ElfSymbol>();
  for (const symbol of symbols) {
    if (exported && !symbol.exported) continue;
    const other = byAddress.get(symbol.address);
    if (other === undefined || rank(symbol) < rank(other)) byAddress.set(symbol.address, symbol);
  }
  return [...byAddress.values()].flatMap((symbol) => {
    if (!isWanted(symbol.address)) return [];
    const resolved = { ...where, point: withArguments(point, { function: symbol.name }) };
    return symbolSite(resolved, symbol.address, symbol, isPattern(pattern), context);
  });
}

/** Site at `address` in the function `symbol`, null if none covers it; none if it is refused. */
export function symbolSite(
  where: ProcessModule,
  address: number,
  symbol: ElfSymbol | null,
  isWildcard: boolean,
  context: FamilyContext,
): Site[] {
  const { module, point } = where;
  const isReturn = hasComponent(point, "return");
  if (!isWildcard) checkSymbol(symbol, point, isReturn);
  if (isReturn && !canReturn(symbol, isWildcard, point, context)) return [];
  const atEntry = symbol !== null && symbol.address === address;
  return [
    codeSite({
      where,
      point,
      address,
      size: atEntry ? symbol.size : 0,
      symbol: symbol?.name ?? "",
      isReturn,
      targets: symbolTargets(module, isReturn),
    }),
  ];
}

/** False for `_start`, which nothing returns from; says so unless a wildcard matched it. */
export function mayReturn(
  name: string,
  isWildcard: boolean,
  point: ProbePoint,
  { report }: FamilyContext,
): boolean {
  if (name !== "_start") return true;
  if (!isWildcard) {
    report.warn({
      code: "return-blocklisted",
      message: `function ${name} return probe is blocklisted`,
      node: point,
    });
  }
  return false;
}

/** The function that covers `address`, or null. */
export function coveringSymbol(module: Module, address: number): ElfSymbol | null {
  const { symbols } = module;
  const after = indexAbove(symbols, address);
  for (let i = after - 1; i >= 0 && after - i <= MOST_NESTED; i--) {
    const symbol = symbols[i];
    if (symbol === undefined || symbol.kind === "untyped") continue;
    if (symbol.address === address || address < symbol.address + symbol.size) return symbol;
  }
  return null;
}

/** Symbols before an address that are looked at: several names and parts lie in one function. */
const MOST_NESTED = 64;

/** Names by wildcard: real functions only, so neither labels nor split-off cold parts. */
function matchingSymbols(
  module: Module,
  pattern: string,
  point: ProbePoint,
  context: FamilyContext,
): ElfSymbol[] {
  const expression = wildcard(pattern);
  const matching = module.symbols.filter(
    (s) =>
      s.kind !== "untyped" &&
      expression.test(s.name) &&
      (pattern.includes(".cold") || !/\.cold(\.\d+)?$/.test(s.name)),
  );
  const indirect = matching.filter((s) => s.kind === "ifunc");
  if (indirect.length > 0) {
    const names = [...new Set(indirect.map((s) => s.name))];
    context.report.warn({
      code: "ifunc-skipped",
      message: `not probing ${names.length} indirect functions (${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""})`,
      node: findComponent(point, "function"),
    });
  }
  const resolvers = new Set(module.symbols.filter((s) => s.kind === "ifunc").map((s) => s.address));
  return matching.filter((s) => !resolvers.has(s.address));
}

/** Which of several names at one address is shown: exported before local, plain names first. */
function rank(symbol: ElfSymbol): number {
  const visible = symbol.binding === "global" ? 0 : symbol.binding === "weak" ? 1 : 2;
  const underscores = /^_*/.exec(symbol.name)?.[0].length ?? 0;
  return visible * 16 + Math.min(underscores, 15);
}

function checkSymbol(symbol: ElfSymbol | null, point: ProbePoint, isReturn: boolean): void {
  const node = findComponent(point, "function");
  if (symbol?.kind === "ifunc" && hasComponent(point, "function")) {
    throw new ResolutionError(
      "unsupported-ifunc",
      `not supported yet: '${symbol.name}' is an indirect function (ifunc), its code is chosen at run time`,
      node,
    );
  }
  if (isReturn && symbol?.kind === "untyped") {
    const message = `cannot probe .return of '${symbol.name}': the symbol table calls it a label`;
    throw new ResolutionError("no-function", message, node);
  }
}

function canReturn(
  symbol: ElfSymbol | null,
  isWildcard: boolean,
  point: ProbePoint,
  context: FamilyContext,
): boolean {
  return symbol !== null && mayReturn(symbol.name, isWildcard, point, context);
}
