/** Functions by name, and where they were inlined. */
import type { Die } from "./die.js";
import type { DieReader } from "./dies.js";
import { findRows, instancesByOrigin, rowsWhere, stringAt } from "./function-index.js";
import { loadIndex } from "./index-cache.js";
import type { Lines } from "./lines.js";
import type { DieId, FunctionIndex } from "./native.js";
import { type AddressRange, readRanges } from "./ranges.js";

/** A function with code, or one that is inlined. */
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
  /** ELF address of its first instruction, null if it has no code of its own. */
  readonly entryPc: number | null;
  readonly ranges: readonly AddressRange[];
}

/** An expansion of an inlined function. */
export interface InlineInstance {
  readonly die: Die;
  /** ELF address of its first instruction, null if nothing of it is left. */
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

/** Functions of the file that `dies` reads. */
export function openFunctions(dies: DieReader, lines: Lines): Functions {
  let index: FunctionIndex | null = null;
  let instances: ReadonlyMap<DieId, readonly DieId[]> | null = null;
  const loaded = (): FunctionIndex => {
    index ??= loadIndex(dies.file, "functionIndex");
    return index;
  };
  return {
    functions(wanted) {
      const rows =
        typeof wanted === "string" ? findRows(loaded(), wanted) : rowsWhere(loaded(), wanted);
      return rows.map((row) => lazyFunction(dies, lines, { index: loaded(), row }));
    },
    inlineInstances(origin) {
      instances ??= instancesByOrigin(loaded());
      return (instances.get(origin) ?? []).map((id) => lazyInstance(dies, lines, id));
    },
    qualifiedName: (die) => qualifiedName(dies, die),
  };
}

function lazyFunction(
  dies: DieReader,
  lines: Lines,
  { index, row }: { readonly index: FunctionIndex; readonly row: number },
): FunctionEntry {
  const id = (index.dies[row] ?? 0) as DieId;
  const origin = index.origins[row] ?? -1;
  const entry = index.entries[row] ?? -1;
  const linkageName = stringAt(index, index.linkageNames[row] ?? 0);
  const name = stringAt(index, index.names[row] ?? 0) || linkageName;
  const die = (): Die => dies.die(id);
  return {
    name,
    linkageName: linkageName || name,
    isInlined: entry < 0,
    entryPc: entry < 0 ? null : entry,
    get die() {
      return die();
    },
    get origin() {
      return origin < 0 ? die() : dies.die(origin as DieId);
    },
    get qualifiedName() {
      return qualifiedName(dies, die());
    },
    get file() {
      return lines.sourceFile(die(), "decl_file");
    },
    get line() {
      return lineNumber(dies, die(), "decl_line");
    },
    get isExternal() {
      return dies.flag(die(), "external");
    },
    get ranges() {
      return readRanges(dies.file, id);
    },
  };
}

function lazyInstance(dies: DieReader, lines: Lines, id: DieId): InlineInstance {
  const die = dies.die(id);
  const ranges = readRanges(dies.file, id);
  return {
    die,
    entryPc: entryPc(die, ranges),
    ranges,
    get callFile() {
      return lines.sourceFile(die, "call_file");
    },
    get callLine() {
      return lineNumber(dies, die, "call_line");
    },
  };
}

function lineNumber(dies: DieReader, die: Die, name: "decl_line" | "call_line"): number | null {
  const line = dies.constant(die, name);
  return line === null ? null : Number(line);
}

/** DW_AT_entry_pc, else the first address of the first range (DWARF 5 §2.17, §2.18). */
function entryPc(die: Die, ranges: readonly AddressRange[]): number | null {
  const base = ranges[0]?.begin ?? null;
  const entry = die.attributes.get("entry_pc");
  if (base === null) return null;
  if (entry?.kind === "address") return entry.address;
  return entry?.kind === "constant" ? base + Number(entry.value) : base;
}

const SCOPES: ReadonlySet<string> = new Set([
  "namespace",
  "module",
  "class_type",
  "structure_type",
  "union_type",
  "interface_type",
]);

function qualifiedName(dies: DieReader, die: Die): string {
  const named = dies.owner(die, "name") ?? die;
  const scopes = dies
    .enclosing(named.id)
    .filter(({ tag }) => SCOPES.has(tag))
    .map((scope) => dies.text(scope, "name") ?? "(anonymous namespace)");
  return [...scopes.reverse(), dies.text(named, "name") ?? ""].join("::");
}
