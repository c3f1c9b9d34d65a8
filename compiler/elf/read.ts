/**
 * Executables and libraries as the compiler sees them: symbols and marks of a file on disk, with
 * the symbols of its separate debug file, as libdw finds it. Everything is read once per path.
 */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type ElfDynamic, readDynamic } from "../../base/elf/dynamic.js";
import { type ElfImage, findSection, parseElf } from "../../base/elf/image.js";
import { readMarks } from "../../base/elf/marks.js";
import type { SdtMark } from "../../base/elf/notes.js";
import {
  addressesNamed,
  type ElfSymbol,
  findSymbolAddress,
  readFunctionSymbols,
} from "../../base/elf/symbols.js";
import { TargetError } from "../../base/target-error.js";
import { callNative, type DebugSymbol } from "../dwarf/native.js";
import { openDebugFile } from "../dwarf/open.js";
import { findLibraries, type SearchContext } from "./find.js";
import { withoutSysroot } from "./sysroot.js";

/** An ELF file that can be probed. */
export interface Module {
  /** As the traced system names it. */
  readonly path: string;
  /** Where it is on this machine: below the sysroot, if there is one. */
  readonly file: string;
  readonly sysroot: string;
  readonly image: ElfImage;
  readonly dynamic: ElfDynamic;
  /** Function symbols by address, then name, those of the debug file included. */
  readonly symbols: readonly ElfSymbol[];
  readonly marks: readonly SdtMark[];
  /** Addresses of the rests of functions whose beginnings the compiler inlined (`f.part.0`). */
  readonly remainders: ReadonlySet<number>;
  /** True if DWARF is in the file or in its debug file. */
  readonly hasDebugInfo: boolean;
}

/** gABI "Symbol Table", as extended by GNU. */
const STT_TLS = 6;
const STT_GNU_IFUNC = 10;

const modules = new Map<string, Module>();

/**
 * Reads the ELF file at the absolute path `file`, which may be below `sysroot`.
 * Throws TargetError: no such file, not readable, not ELF, 32-bit, not x86-64.
 */
export function openModule(file: string, sysroot = ""): Module {
  const known = modules.get(file);
  if (known) return known;
  const module = lazyModule(file, sysroot, readImage(file));
  modules.set(file, module);
  return module;
}

/** A library with the name that asks for it (DT_NEEDED). */
export interface NeededLibrary {
  readonly name: string;
  /** On this machine. */
  readonly path: string;
}

/** The libraries that `module` needs, transitively, without those that are not found. */
export function neededLibraries(module: Module, context: SearchContext): NeededLibrary[] {
  const found = new Map<string, NeededLibrary>();
  const visit = (from: Module): void => {
    const origin = dirname(from.path);
    const searchPath = from.dynamic.searchPath.map((d) => d.replace(/\$\{?ORIGIN\}?/g, origin));
    for (const name of from.dynamic.needed) {
      for (const path of findLibraries(name, searchPath, context)) {
        if (found.has(path)) continue;
        found.set(path, { name, path });
        const library = tryOpen(path, context.sysroot);
        if (library) visit(library);
      }
    }
  };
  visit(module);
  return [...found.values()];
}

function lazyModule(file: string, sysroot: string, image: ElfImage): Module {
  let symbols: readonly ElfSymbol[] | null = null;
  let marks: readonly SdtMark[] | null = null;
  let remainders: ReadonlySet<number> | null = null;
  let dynamic: ElfDynamic | null = null;
  let hasDebugInfo: boolean | null = null;
  return {
    path: withoutSysroot(file, sysroot),
    file,
    sysroot,
    image,
    get dynamic() {
      dynamic ??= readDynamic(image);
      return dynamic;
    },
    get symbols() {
      symbols ??= readAllSymbols(file, sysroot, image);
      return symbols;
    },
    get marks() {
      marks ??= readMarks(image);
      return marks;
    },
    get remainders() {
      remainders ??= readRemainders(this);
      return remainders;
    },
    get hasDebugInfo() {
      hasDebugInfo ??= callNative("hasDwarf", openDebugFile(file, sysroot));
      return hasDebugInfo;
    },
  };
}

/** ELF address of the symbol `name` of `module` or of its debug file, null if it has none. */
export function symbolAddress({ file, sysroot, image }: Module, name: string): number | null {
  const own = findSymbolAddress(image, name);
  if (own !== null || findSection(image, ".symtab") !== null) return own;
  const [symbol] = callNative("symbolsNamed", openDebugFile(file, sysroot), name);
  return symbol === undefined || symbol.type === STT_TLS ? null : symbol.address;
}

function readRemainders(module: Module): ReadonlySet<number> {
  const isPart = ".part.";
  if (findSection(module.image, ".symtab") !== null) return addressesNamed(module.image, isPart);
  const parts = module.symbols.filter(({ name }) => name.includes(isPart));
  return new Set(parts.map(({ address }) => address));
}

function tryOpen(file: string, sysroot: string): Module | null {
  try {
    return openModule(file, sysroot);
  } catch (error) {
    if (error instanceof TargetError) return null;
    throw error;
  }
}

function readImage(path: string): ElfImage {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).errno ?? 0;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new TargetError(
      missing ? `no such file '${path}'` : `cannot read '${path}': ${(cause as Error).message}`,
      { operation: "read ELF", subject: path, errno: Math.abs(errno) },
      { cause },
    );
  }
  return parseElf(bytes, path);
}

/** Symbols of the file itself and, if it is stripped, those that libdw finds for it. */
function readAllSymbols(file: string, sysroot: string, image: ElfImage): readonly ElfSymbol[] {
  const own = readFunctionSymbols(image);
  if (findSection(image, ".symtab") !== null) return own;
  const all = new Map(
    callNative("functionSymbols", openDebugFile(file, sysroot)).map((s) => [
      `${s.name}@${s.address}`,
      fromDebug(s),
    ]),
  );
  for (const symbol of own) all.set(`${symbol.name}@${symbol.address}`, symbol);
  return [...all.values()].sort((a, b) => a.address - b.address || (a.name < b.name ? -1 : 1));
}

function fromDebug({ name, address, size, type, binding }: DebugSymbol): ElfSymbol {
  const bindings = ["local", "global", "weak"] as const;
  const [plain = name, version = null] = name.split(/@+/);
  return {
    name: plain,
    version,
    address,
    size,
    binding: bindings[binding] ?? "global",
    kind: type === STT_GNU_IFUNC ? "ifunc" : "function",
    exported: false,
  };
}
