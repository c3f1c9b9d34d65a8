/** Functions by name, and where they were inlined. */
import type { Die } from "./die.js";
import type { DieReader } from "./dies.js";
import type { Lines } from "./lines.js";
import { callNative, type DieId } from "./native.js";
import { type AddressRange, readRanges } from "./ranges.js";

/** A function with code, or one that was only inlined. */
export interface FunctionEntry {
  readonly die: Die;
  /** The abstract function that this is an out-of-line copy of, else `die`; inline instances are of it. */
  readonly origin: Die;
  /** As in the source, without scope. */
  readonly name: string;
  /** The mangled name, or the name. */
  readonly linkageName: string;
  /** With namespaces and classes: "a::B::f". */
  readonly qualifiedName: string;
  /** Where it is declared. */
  readonly file: string | null;
  readonly line: number | null;
  /** Abstract: only its inline instances have code. */
  readonly isInlined: boolean;
  readonly isExternal: boolean;
  /** First address, null if it has no code of its own. */
  readonly entryPc: number | null;
  readonly ranges: readonly AddressRange[];
}

/** An expansion of an inlined function. */
export interface InlineInstance {
  readonly die: Die;
  /** First address, null if nothing of it is left. */
  readonly entryPc: number | null;
  readonly ranges: readonly AddressRange[];
  /** Where it is called; null if the compiler does not say. */
  readonly callFile: string | null;
  readonly callLine: number | null;
}

/** Access to the functions of a file. */
export interface Functions {
  /** Functions whose name, or linkage name, is `wanted` or satisfies it. */
  functions(wanted: string | ((name: string) => boolean)): readonly FunctionEntry[];
  /** Where the abstract function was inlined. */
  inlineInstances(origin: DieId): readonly InlineInstance[];
  /** Name with the namespaces and classes around it. */
  qualifiedName(die: Die): string;
}

interface IndexedName {
  readonly die: DieId;
  readonly name: string | null;
  readonly linkageName: string | null;
}

/** Functions of the file that `dies` reads. */
export function openFunctions(dies: DieReader, lines: Lines): Functions {
  let names: readonly IndexedName[] | null = null;
  let instances: ReadonlyMap<DieId, readonly DieId[]> | null = null;
  return {
    functions(wanted) {
      names ??= readNames(dies);
      const fits = typeof wanted === "string" ? (name: string) => name === wanted : wanted;
      const matches = ({ name, linkageName }: IndexedName): boolean =>
        (name !== null && fits(name)) || (linkageName !== null && fits(linkageName));
      return names.filter(matches).map((found) => lazyFunction(dies, lines, found));
    },
    inlineInstances(origin) {
      instances ??= readInstances(dies);
      return (instances.get(origin) ?? []).map((id) => lazyInstance(dies, lines, id));
    },
    qualifiedName: (die) => qualifiedName(dies, die),
  };
}

function readNames(dies: DieReader): readonly IndexedName[] {
  const flat = callNative("functionDies", dies.file);
  const found: IndexedName[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const [die, name, linkageName] = flat.slice(i, i + 3) as [DieId, string | null, string | null];
    found.push({ die, name, linkageName });
  }
  return found;
}

function readInstances(dies: DieReader): ReadonlyMap<DieId, readonly DieId[]> {
  const flat = callNative("inlineDies", dies.file);
  const found = new Map<DieId, DieId[]>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [instance, origin] = flat.slice(i, i + 2) as [DieId, DieId];
    const others = found.get(origin);
    if (others) others.push(instance);
    else found.set(origin, [instance]);
  }
  return found;
}

function lazyFunction(dies: DieReader, lines: Lines, found: IndexedName): FunctionEntry {
  const die = dies.die(found.die);
  const origin = die.attributes.get("abstract_origin");
  const line = dies.constant(die, "decl_line");
  const name = found.name ?? found.linkageName ?? "";
  const ranges = readRanges(dies.file, die.id);
  return {
    die,
    origin: origin?.kind === "reference" ? dies.die(origin.die) : die,
    name,
    linkageName: found.linkageName ?? name,
    get qualifiedName() {
      return qualifiedName(dies, die);
    },
    get file() {
      return lines.sourceFile(die, "decl_file");
    },
    line: line === null ? null : Number(line),
    isInlined: ranges.length === 0,
    isExternal: dies.flag(die, "external"),
    entryPc: entryPc(die, ranges),
    ranges,
  };
}

function lazyInstance(dies: DieReader, lines: Lines, id: DieId): InlineInstance {
  const die = dies.die(id);
  const line = dies.constant(die, "call_line");
  const ranges = readRanges(dies.file, id);
  return {
    die,
    entryPc: entryPc(die, ranges),
    ranges,
    get callFile() {
      return lines.sourceFile(die, "call_file");
    },
    callLine: line === null ? null : Number(line),
  };
}

/** DW_AT_entry_pc, else the lowest address (DWARF 5 §2.18). */
function entryPc(die: Die, ranges: readonly AddressRange[]): number | null {
  const first = ranges[0];
  if (first === undefined) return null;
  const entry = die.attributes.get("entry_pc");
  if (entry?.kind === "address") return entry.address;
  const low = die.attributes.get("low_pc");
  const base = low?.kind === "address" ? low.address : first.begin;
  return entry?.kind === "constant" ? base + Number(entry.value) : base;
}

function qualifiedName(dies: DieReader, die: Die): string {
  const named = dies.owner(die, "name") ?? die;
  const scopes = dies
    .enclosing(named.id)
    .filter(({ tag }) => SCOPES.has(tag))
    .map((scope) => dies.text(scope, "name") ?? "(anonymous namespace)");
  return [...scopes.reverse(), dies.text(named, "name") ?? ""].join("::");
}

const SCOPES: ReadonlySet<string> = new Set([
  "namespace",
  "module",
  "class_type",
  "structure_type",
  "union_type",
  "interface_type",
]);
