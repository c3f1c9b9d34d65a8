/** Sites of `.function(ADDRESS)` and `.statement(ADDRESS)`. */
import { isExecutableAddress } from "../../base/elf/image.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import { entryOf } from "../dwarf/ranges.js";
import type { Unit } from "../dwarf/units.js";
import type { ProbePoint } from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import { entryPlace, entryTargets, targetsAt } from "./code-query.js";
import { codeSite } from "./code-site.js";
import { debugInfoOf } from "./debug-info.js";
import { findComponent, hasComponent, numberArgument, withComponents } from "./point.js";
import type { ProcessModule } from "./process-path.js";
import { processModules } from "./process-path.js";
import { probeAddress } from "./prologue.js";
import { ResolutionError } from "./report.js";
import type { Family, FamilyContext, Site } from "./site.js";
import { indexAbove } from "./statement-lines.js";
import { coveringSymbol, mayReturn, symbolSite } from "./symbol-functions.js";

/** The family of code at an address. */
export const addressSites: Family = (point, context) => {
  const name = hasComponent(point, "function") ? "function" : "statement";
  const address = Number(numberArgument(point, name) ?? 0n);
  const sites = processModules(point, context).flatMap((where) =>
    isExecutableAddress(where.module.image, address) ? sitesAt(where, address, context) : [],
  );
  if (sites.length === 0) {
    const message = `no match: no code at address 0x${address.toString(16)}`;
    throw new ResolutionError("no-match", message, findComponent(point, name));
  }
  return sites;
};

function sitesAt(where: ProcessModule, address: number, context: FamilyContext): readonly Site[] {
  const info = debugInfoOf(where.module, context);
  const unit = info?.unitAt(address) ?? null;
  if (info === null) return symbolSitesAt(where, address, context);
  if (unit === null) {
    // Written in assembler, or between functions.
    const isCode = coveringSymbol(where.module, address) !== null;
    return isCode ? symbolSitesAt(where, address, context) : [];
  }
  const scopes = info.scopesAt(unit, address);
  const code = scopes.find((die) => isMeant(die, where.point));
  const query = { where, info, unit, context };
  if (hasComponent(where.point, "function")) {
    return code === undefined ? [] : functionAround(query, code);
  }
  checkStatement(query, address);
  if (code === undefined) return symbolSitesAt(where, address, context);
  return [
    codeSite({
      where,
      point: where.point,
      address,
      size: 0,
      symbol: info.text(code, "name") ?? "",
      isReturn: false,
      targets: targetsAt(query, { die: code, unit }, address),
    }),
  ];
}

interface AddressQuery {
  readonly where: ProcessModule;
  readonly info: DebugInfo;
  readonly unit: Unit;
  readonly context: FamilyContext;
}

/** True if `die` is the kind of code that the suffixes of `point` ask for. */
function isMeant({ tag }: Die, point: ProbePoint): boolean {
  const onlyOutOfLine = ["call", "return", "exported"].some((name) => hasComponent(point, name));
  if (tag === "inlined_subroutine") return !onlyOutOfLine;
  return tag === "subprogram" && !hasComponent(point, "inline");
}

function functionAround(query: AddressQuery, die: Die): readonly Site[] {
  const { where, info, unit, context } = query;
  const { point } = where;
  const isReturn = hasComponent(point, "return");
  const entry = entryOf(info, die);
  const name = info.text(die, "name") ?? "";
  if (entry === null) return [];
  if (isReturn && !mayReturn(name, false, point, context)) return [];
  if (hasComponent(point, "exported") && !info.flag(die, "external")) return [];
  const file = info.sourceFile(die, "decl_file") ?? "";
  const ranges = info.ranges(die.id);
  const isInline = die.tag === "inlined_subroutine";
  const line = Number(info.constant(die, "decl_line") ?? 0n);
  const code = { name, file, line, die, unit, entry, ranges, isInline };
  const searching = isReturn ? "never" : context.context.options.prologueSearching;
  const address = probeAddress(info, code, searching);
  const [range] = ranges;
  return [
    codeSite({
      where,
      point: withAddress(point, address),
      address,
      size: address === entry && range?.begin === entry ? range.end - range.begin : 0,
      symbol: name,
      isReturn,
      ...(isReturn ? { entry: entryPlace(query, code) } : {}),
      targets: entryTargets(query, code, address, isReturn),
    }),
  ];
}

/** Probes in the middle of an instruction would be fatal: only beginnings of statements are taken. */
function checkStatement({ info, unit, where, context }: AddressQuery, address: number): void {
  const records = info.lines(unit);
  const before = records[indexAbove(records, address) - 1];
  if (before?.address === address && !before.isEndSequence) return;
  const hint =
    before && !before.isEndSequence
      ? ` (try 0x${before.address.toString(16)})`
      : ` (no line info found for '${unit.name}', in module '${where.module.path}')`;
  const hex = `0x${address.toString(16)}`;
  const message = `address ${hex} does not match the beginning of a statement${hint}`;
  const node = findComponent(where.point, "statement");
  if (!context.context.options.guru) throw new ResolutionError("not-a-statement", message, node);
  context.report.warn({ code: "not-a-statement", message, node });
}

function symbolSitesAt(where: ProcessModule, address: number, context: FamilyContext): Site[] {
  const { module, point } = where;
  const symbol = coveringSymbol(module, address);
  const atEntry = symbol?.address === address;
  if (hasComponent(point, "inline")) return [];
  if (hasComponent(point, "return") && !atEntry) return [];
  if (hasComponent(point, "exported") && !(atEntry && symbol?.exported)) return [];
  return symbolSite(where, address, symbol, false, context);
}

function withAddress(point: ProbePoint, address: number): ProbePoint {
  return withComponents(
    point,
    point.components.map((component) =>
      component.argument?.kind === "number" && component.name === "function"
        ? {
            ...component,
            argument: { ...component.argument, id: newNodeId(), value: BigInt(address) },
          }
        : component,
    ),
  );
}
