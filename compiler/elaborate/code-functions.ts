/**
 * Functions with debug information that a pattern chooses: their out-of-line code, and the places
 * where they were inlined, as `.call`, `.inline`, `.return` and `.exported` want them.
 */
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { FunctionEntry } from "../dwarf/functions.js";
import { type AddressRange, entryOf } from "../dwarf/ranges.js";
import type { Unit } from "../dwarf/units.js";
import { isPattern } from "../elf/glob.js";
import type { Module } from "../elf/read.js";
import type { ProbePoint } from "../syntax/ast.js";
import { type FunctionPattern, fileMatcher, matcher } from "./function-pattern.js";
import { hasComponent } from "./point.js";
import { firstRowAt } from "./statement-lines.js";

/** Code of a function: its own, or that of one place where it is inlined. */
export interface FunctionCode {
  /** As probe points show it: with the scopes that were asked for, or mangled. */
  readonly name: string;
  /** Where it is declared; if that is unknown, where its code begins. */
  readonly file: string;
  /** Line of the declaration, 0 if unknown. */
  readonly line: number;
  readonly die: Die;
  readonly unit: Unit;
  /** ELF address. */
  readonly entry: number;
  readonly ranges: readonly AddressRange[];
  readonly isInline: boolean;
}

/** Code of a function that a pattern means. */
export interface ChosenFunction extends FunctionCode {
  /** As listings show it: never mangled. */
  readonly listedName: string;
}

/** What a pattern means in a module. */
export interface FunctionChoice {
  readonly functions: readonly ChosenFunction[];
  /** Names of functions that are nothing for a return probe, because they are only inlined. */
  readonly onlyInlined: ReadonlySet<string>;
}

/** Functions that `pattern` means, by the suffixes of `point`. */
export function chooseFunctions(
  info: DebugInfo,
  module: Module,
  pattern: FunctionPattern,
  point: ProbePoint,
): FunctionChoice {
  const isReturn = hasComponent(point, "return");
  const exported = hasComponent(point, "exported");
  const outOfLineOnly = isReturn || exported || hasComponent(point, "call");
  const inlineOnly = hasComponent(point, "inline");
  const functions: ChosenFunction[] = [];
  const onlyInlined = new Set<string>();
  const seen = new Set<string>();
  const add = (key: string, chosen: ChosenFunction): void => {
    if (!seen.has(key)) functions.push(chosen);
    seen.add(key);
  };
  for (const entry of matchingEntries(info, module, pattern)) {
    const name = shownName(info, entry, pattern);
    if (name === null) continue;
    if (entry.isInlined) {
      if (isReturn) onlyInlined.add(name);
      for (const each of outOfLineOnly ? [] : inlineInstances(info, entry, name)) {
        add(`${each.entry} ${name} ${each.file}:${each.line}`, each);
      }
    } else if (!inlineOnly && (entry.isExternal || !exported)) {
      const chosen = outOfLine(info, module, entry, name);
      if (chosen) add(`${chosen.entry}`, chosen);
    }
  }
  return { functions, onlyInlined };
}

/** What was found at addresses: those of symbols are asked about twice. */
const entries = new WeakMap<DebugInfo, Map<number, Die | null>>();

/** The function that begins at the ELF `address`, null if debug information knows of none. */
export function functionAtEntry(info: DebugInfo, address: number): Die | null {
  const known = entries.get(info) ?? new Map<number, Die | null>();
  entries.set(info, known);
  const found = known.get(address);
  if (found !== undefined) return found;
  const die = findAtEntry(info, address);
  known.set(address, die);
  return die;
}

function findAtEntry(info: DebugInfo, address: number): Die | null {
  const unit = info.unitAt(address);
  const scopes = unit === null ? [] : info.scopesAt(unit, address);
  const die = scopes.find(({ tag }) => tag === "subprogram") ?? null;
  return die !== null && entryOf(info, die) === address ? die : null;
}

function matchingEntries(
  info: DebugInfo,
  module: Module,
  { name, file }: FunctionPattern,
): readonly FunctionEntry[] {
  const fits = matcher(name);
  const isMangled = name.startsWith("_Z");
  const named = info
    .functions(isPattern(name) ? fits : name)
    .filter((entry) => (isMangled ? fits(entry.linkageName) : fits(entry.name)));
  const hasAliases = !isMangled && (isPattern(name) || named.length === 0);
  const found = hasAliases ? [...named, ...aliased(info, module, fits, named)] : named;
  if (file === null) return found;
  const isMeant = fileMatcher(file);
  return found.filter((entry) => entry.file === null || isMeant(entry.file));
}

/**
 * Functions but `known` that a symbol with a name that `fits` calls differently than the source.
 * Mangled names are no other names.
 */
function aliased(
  info: DebugInfo,
  module: Module,
  fits: (name: string) => boolean,
  known: readonly FunctionEntry[],
): readonly FunctionEntry[] {
  const byAddress = new Map<number, string>();
  const seen = new Set(known.map(({ entryPc }) => entryPc));
  for (const { kind, name, address } of module.symbols) {
    if (kind !== "function" || name.startsWith("_Z") || seen.has(address) || !fits(name)) continue;
    seen.add(address);
    const die = functionAtEntry(info, address);
    const own = die === null ? null : info.text(die, "name");
    if (own !== null) byAddress.set(address, own);
  }
  const wanted = new Set(byAddress.values());
  return info
    .functions((name) => wanted.has(name))
    .filter(({ entryPc, name }) => entryPc !== null && byAddress.get(entryPc) === name);
}

/** Name to show, null if it is not in the scopes that the pattern wants around it. */
function shownName(info: DebugInfo, entry: FunctionEntry, pattern: FunctionPattern): string | null {
  if (pattern.name.startsWith("_Z")) return entry.linkageName;
  if (pattern.scopes.length === 0) return entry.name;
  const around = scopesAround(info, entry.die);
  const wanted = [...pattern.scopes].reverse();
  // Outside of all others lies the global scope, which has no name.
  if (wanted.length > around.length + 1) return null;
  if (!wanted.every((scope, i) => matcher(scope)(around[i] ?? ""))) return null;
  const named = wanted.map((_, i) => around[i] ?? "");
  return [...named.reverse(), entry.name].join("::");
}

const SCOPES: ReadonlySet<string> = new Set(["namespace", "class_type", "structure_type"]);

/** Names of the namespaces and classes around `die`, innermost first. */
function scopesAround(info: DebugInfo, die: Die): readonly string[] {
  const named = info.owner(die, "name") ?? die;
  return info
    .enclosing(named.id)
    .filter(({ tag }) => SCOPES.has(tag))
    .map((scope) => info.text(scope, "name") ?? "");
}

function inlineInstances(info: DebugInfo, entry: FunctionEntry, name: string): ChosenFunction[] {
  return info.inlineInstances(entry.origin.id).flatMap(({ die, ranges }) => {
    // An instance of which nothing is left may still say where it would begin.
    const pc = entryOf(info, die);
    const unit = pc ? info.unitOf(die.id) : null;
    if (!pc || unit === null) return [];
    const place = declaredPlace(entry) ?? UNKNOWN_PLACE;
    return [{ ...names(entry, name), ...place, die, unit, entry: pc, ranges, isInline: true }];
  });
}

function outOfLine(
  info: DebugInfo,
  module: Module,
  entry: FunctionEntry,
  name: string,
): ChosenFunction | null {
  const { die, entryPc, ranges } = entry;
  // Linkers leave functions that they dropped at address 0.
  const unit = entryPc ? info.unitOf(die.id) : null;
  if (!entryPc || unit === null) return null;
  // The rest of a function whose beginning was inlined is not where it is entered.
  if (module.remainders.has(entryPc)) return null;
  const place = declaredPlace(entry) ?? linePlace(info, unit, entryPc) ?? UNKNOWN_PLACE;
  return { ...names(entry, name), ...place, die, unit, entry: entryPc, ranges, isInline: false };
}

function names(entry: FunctionEntry, name: string): Pick<ChosenFunction, "name" | "listedName"> {
  return { name, listedName: name === entry.linkageName ? entry.name : name };
}

/** Compilers do not say where lambdas are declared. */
type Place = Pick<ChosenFunction, "file" | "line">;
const UNKNOWN_PLACE: Place = { file: "<unknown source>", line: 0 };

function declaredPlace({ file, line }: FunctionEntry): Place | null {
  return file === null ? null : { file, line: line ?? 0 };
}

function linePlace(info: DebugInfo, unit: Unit, address: number): Place | null {
  const records = info.lines(unit);
  const record = records[firstRowAt(records, address)];
  return record === undefined ? null : { file: record.file, line: record.line };
}
