/**
 * process.function and process.statement by symbol table and address (language.md §14.2). Source
 * lines, inlined code and variables need debug information; they end in "not supported yet".
 */
import { isExecutableAddress } from "../../base/elf/image.js";
import type { ElfSymbol } from "../../base/elf/symbols.js";
import { isPattern, wildcard } from "../elf/glob.js";
import type { Module } from "../elf/read.js";
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import {
  findComponent,
  hasComponent,
  numberArgument,
  stringArgument,
  withArguments,
} from "./point.js";
import { type ProcessModule, processModules } from "./process-path.js";
import { ResolutionError } from "./report.js";
import { similar } from "./similar.js";
import type { FamilyContext, FamilyTable, Site, TargetScope } from "./site.js";

/** Roots of every point in the code of a process. */
export const CODE_ROOTS: readonly string[] = [
  "process",
  "process(string)",
  "process(number)",
  "process.library(string)",
  "process(string).library(string)",
  "process(number).library(string)",
];

/** The families of function entries, returns and addresses. */
export const CODE_FAMILIES: FamilyTable = CODE_ROOTS.flatMap(
  (root): FamilyTable => [
    ...["", ".call", ".exported", ".return", ".exported.return"].flatMap(
      (suffix): FamilyTable => [
        [`${root}.function(string)${suffix}`, functionSites],
        [`${root}.function(number)${suffix}`, addressSites],
      ],
    ),
    [`${root}.statement(number)`, addressSites],
  ],
);

function functionSites(point: ProbePoint, context: FamilyContext): Site[] {
  const pattern = stringArgument(point, "function") ?? "";
  if (pattern.includes("@") || pattern.includes("::")) {
    throw new ResolutionError(
      "unsupported-source-pattern",
      `not supported yet: function pattern '${pattern}' (needs debug information)`,
      findComponent(point, "function"),
    );
  }
  const modules = processModules(point, context);
  const sites = modules.flatMap((m) => matchFunctions(m, pattern, context));
  if (sites.length === 0) {
    const names = modules.flatMap((m) => m.module.symbols.map((s) => s.name));
    throw new ResolutionError(
      "no-match",
      names.length === 0 && modules.length > 0
        ? `no match: '${modules[0]?.module.path}' has no symbols`
        : `no match${similar(pattern, names, "similar functions")}`,
    );
  }
  return sites;
}

function matchFunctions(where: ProcessModule, pattern: string, context: FamilyContext): Site[] {
  const { module, point } = where;
  const symbols = isPattern(pattern)
    ? matchingSymbols(module, pattern, point, context)
    : module.symbols.filter((symbol) => symbol.name === pattern);
  const wanted = hasComponent(point, "exported")
    ? symbols.filter((symbol) => symbol.exported)
    : symbols;
  const byAddress = new Map<number, ElfSymbol>();
  for (const symbol of wanted) {
    const other = byAddress.get(symbol.address);
    if (other === undefined || rank(symbol) < rank(other)) byAddress.set(symbol.address, symbol);
  }
  return [...byAddress.values()].flatMap((symbol) => {
    const resolved = { ...where, point: withArguments(point, { function: symbol.name }) };
    return codeSite(resolved, symbol.address, symbol, isPattern(pattern), context) ?? [];
  });
}

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

function addressSites(point: ProbePoint, context: FamilyContext): Site[] {
  const isFunction = hasComponent(point, "function");
  const name = isFunction ? "function" : "statement";
  const address = Number(numberArgument(point, name) ?? 0n);
  const sites = processModules(point, context).flatMap((where) => {
    if (!isExecutableAddress(where.module.image, address)) return [];
    const symbol = coveringSymbol(where.module, address);
    const atEntry = symbol?.address === address;
    const hasReturn = hasComponent(point, "return");
    if (hasReturn && !atEntry) return [];
    if (hasComponent(point, "exported") && !(atEntry && symbol?.exported)) return [];
    return codeSite(where, address, symbol, false, context) ?? [];
  });
  if (sites.length === 0) {
    throw new ResolutionError(
      "no-match",
      `no match: no code at address 0x${address.toString(16)}`,
      findComponent(point, name),
    );
  }
  return sites;
}

/** The function that covers `address`, or null. */
export function coveringSymbol(module: Module, address: number): ElfSymbol | null {
  let low = 0;
  let high = module.symbols.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((module.symbols[middle]?.address ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0 && low - i < 64; i--) {
    const symbol = module.symbols[i];
    if (symbol === undefined || symbol.kind === "untyped") continue;
    if (symbol.address === address || address < symbol.address + symbol.size) return symbol;
  }
  return null;
}

function codeSite(
  where: ProcessModule,
  address: number,
  symbol: ElfSymbol | null,
  isWildcard: boolean,
  context: FamilyContext,
): Site[] | null {
  const { module, point, condition } = where;
  const isReturn = hasComponent(point, "return");
  if (!isWildcard) checkSymbol(symbol, point, isReturn);
  if (isReturn && !canProbeReturn(symbol)) {
    if (isWildcard) return null;
    context.report.warn({
      code: "return-blocklisted",
      message: `function ${symbol?.name ?? ""} return probe is blocklisted`,
      node: point,
    });
    return null;
  }
  const atEntry = symbol !== null && symbol.address === address;
  return [
    {
      point,
      type: "uprobe",
      isReturn,
      condition,
      targets: codeTargets(module),
      place: {
        kind: "site",
        module: module.path,
        buildId: module.image.buildId,
        address,
        place: isReturn ? "exits" : "instruction",
        size: atEntry ? symbol.size : 0,
        symbol: symbol?.name ?? "",
        semaphore: 0,
      },
    },
  ];
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
  if (isReturn && symbol !== null && symbol.size === 0 && symbol.name !== "_start") {
    throw new ResolutionError(
      "no-size",
      `cannot probe .return of '${symbol.name}': the symbol table does not state its size`,
      node,
    );
  }
}

function canProbeReturn(symbol: ElfSymbol | null): boolean {
  return symbol !== null && symbol.size > 0 && symbol.name !== "_start";
}

/** Variables of code without debug information: there are none. */
function codeTargets(module: Module): TargetScope {
  return {
    resolve(symbol: TargetSymbol): never {
      const what = symbol.atVar ? "@var" : `variable '${symbol.name}'`;
      throw module.hasDebugInfo
        ? new ResolutionError("unsupported-dwarf", `not supported yet: DWARF ${what}`, symbol)
        : new ResolutionError(
            "no-debuginfo",
            `not supported yet: DWARF ${what} (no debug information found for '${module.path}')`,
            symbol,
          );
    },
  };
}
