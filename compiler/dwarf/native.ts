/**
 * The native half of the DWARF reader (*.cc, over elfutils' libdw), typed. Loaded on first use.
 * What libdw refuses is thrown as TargetError with the path of the file.
 */
import { dirname } from "node:path";
import { loadAddon } from "../../base/addon.js";
import { prebuiltPath } from "../../base/prebuilt.js";
import { TargetError } from "../../base/target-error.js";

declare const brand: unique symbol;

/** An ELF file opened with its debug file. */
export interface NativeFile {
  readonly path: string;
  /** The separate debug file, null if it has none. */
  readonly debugPath: string | null;
  readonly handle: unknown;
}

/** Names a DIE of one file and of the files that belong to it. Opaque; usable as a key. */
export type DieId = number & { readonly [brand]: "DieId" };

/** A defined symbol as libdwfl gives it. */
export interface DebugSymbol {
  readonly name: string;
  /** ELF address, without load bias. */
  readonly address: number;
  /** In bytes; 0 when unknown. */
  readonly size: number;
  /** STT_… of the gABI: 1 object, 2 function, 6 thread-local, 10 indirect function. */
  readonly type: number;
  /** STB_… of the gABI: 0 local, 1 global, 2 weak. */
  readonly binding: number;
}

/** Kinds of values in the result of `attributes`. */
export const VALUE_KIND = {
  address: 0,
  bytes: 1,
  expression: 2,
  /** [zero-extended, sign-extended] */
  constant: 3,
  flag: 4,
  reference: 5,
  string: 6,
  list: 7,
  unreadable: 8,
} as const;

/** Bits of the flags of a row of a line table. */
export const ROW_FLAG = { statement: 1, endSequence: 2, prologueEnd: 4 } as const;

/** The functions of a file that have code or are inlined, a row for each. */
export interface FunctionIndex {
  readonly dies: Float64Array;
  /** DIE that abstract_origin refers to, -1 if none. */
  readonly origins: Float64Array;
  /** ELF address of the first instruction, -1 without code. */
  readonly entries: Float64Array;
  /** Offsets in `strings`; 0 is the empty one. */
  readonly names: Uint32Array;
  readonly linkageNames: Uint32Array;
  /** [inlined instance, function it is of, …] */
  readonly instances: Float64Array;
  /** UTF-8, a zero before and after each; none is there twice. */
  readonly strings: Uint8Array;
  /** Parts are in .dwo files, whose DIEs have the same ids only while the file is open. */
  readonly isSplit: boolean;
}

/** Names outside of functions, a row for each unit that has one. */
export interface NameIndex {
  /** Offsets in `strings`. */
  readonly names: Uint32Array;
  /** Places in the list of compile units. */
  readonly units: Uint32Array;
  /** As in FunctionIndex. */
  readonly strings: Uint8Array;
  /** As in FunctionIndex. */
  readonly isSplit: boolean;
}

/** Direct calls, a row for each. */
export interface CallSiteIndex {
  readonly sites: Float64Array;
  /** DIEs of the functions that are called. */
  readonly callees: Float64Array;
  /** Offsets in `strings`, of the linkage names of those that other units may define. */
  readonly names: Uint32Array;
  /** As in FunctionIndex. */
  readonly strings: Uint8Array;
  /** As in FunctionIndex. */
  readonly isSplit: boolean;
}

/** An operation of a location expression, as libdw gives it. */
export interface NativeOperation {
  readonly atom: number;
  readonly number: bigint;
  readonly number2: bigint;
  readonly offset: number;
  readonly block?: Uint8Array;
  readonly die?: DieId;
  readonly expression?: readonly NativeOperation[];
}

/** Results of the native functions; each takes the file, then what the arguments say. */
interface Functions {
  /** Reads the DWARF; what is not about symbols and links needs that. */
  hasDwarf: (file: NativeFile) => boolean;
  /** GNU build-id in hex, "" if there is none. */
  buildId: (file: NativeFile) => string;
  /** Name of the debug file and its CRC-32. */
  debugLink: (file: NativeFile) => readonly [string, number] | null;
  /** Name and build-id of the dwz file, and whether libdw found it. */
  supplement: (file: NativeFile) => readonly [string, string, boolean] | null;
  setSupplement: (file: NativeFile, path: string) => void;
  functionSymbols: (file: NativeFile) => readonly DebugSymbol[];
  /** Symbols of any type; of thread-local data with unspecified addresses. */
  symbolsNamed: (file: NativeFile, name: string) => readonly DebugSymbol[];
  /** [die, version, …] of the compile units */
  units: (file: NativeFile) => readonly number[];
  /** [name of the .dwo file, directory of the compilation, id of the unit in it, …] */
  skeletons: (file: NativeFile) => readonly (string | bigint)[];
  /** DIE of the unit in the .dwo file, or the one given if it is not split. */
  splitUnit: (file: NativeFile, unit: DieId) => DieId;
  /** [tag, has children] */
  die: (file: NativeFile, die: DieId) => readonly [number, boolean];
  /** [die, tag, …] */
  children: (file: NativeFile, die: DieId) => readonly number[];
  /** [code, kind of value, value, …] */
  attributes: (file: NativeFile, die: DieId) => readonly unknown[];
  /** The DIEs around it, innermost first; the last is the unit's. */
  enclosing: (file: NativeFile, die: DieId) => readonly DieId[];
  /** DIE of the unit that the DIE is in. */
  unitDie: (file: NativeFile, die: DieId) => DieId;
  scopesAt: (file: NativeFile, unit: DieId, address: number) => readonly DieId[];
  /** [begin, end, …] */
  ranges: (file: NativeFile, die: DieId) => readonly number[];
  arangesUnit: (file: NativeFile, address: number) => DieId | null;
  functionIndex: (file: NativeFile) => FunctionIndex;
  nameIndex: (file: NativeFile) => NameIndex;
  callSiteIndex: (file: NativeFile) => CallSiteIndex;
  hasLocationLists: (file: NativeFile, unit: DieId) => boolean;
  /** [address, file, line, column, flags, …] */
  lines: (file: NativeFile, unit: DieId) => Float64Array;
  fileNames: (file: NativeFile, unit: DieId) => readonly (string | null)[];
  /** [begin, end, operations, …]; a single expression has begin 0, end -1. */
  locations: (file: NativeFile, die: DieId, attribute: number) => readonly unknown[];
  /** Begin and end of the range with the same rules, how the frame address is computed there. */
  frameAt: (
    file: NativeFile,
    address: number,
  ) => readonly [number, readonly NativeOperation[]] | null;
  registerRuleAt: (
    file: NativeFile,
    address: number,
    register: number,
  ) => readonly NativeOperation[] | "same" | "undefined" | null;
}

/** Calls the native function `name`. Throws TargetError. */
export function callNative<Name extends keyof Functions>(
  name: Name,
  ...[file, ...rest]: Parameters<Functions[Name]>
): ReturnType<Functions[Name]> {
  return attempt(file.path, () => nativeFunction(name)(file.handle, ...rest)) as ReturnType<
    Functions[Name]
  >;
}

/** Opens the ELF file at the absolute `path` with its debug file. Throws TargetError. */
export function openNative(path: string, debugPath: string | null): NativeFile {
  prebuiltPath("libelf.so.1");
  const directory = dirname(prebuiltPath("libdw.so.1"));
  const handle = attempt(path, () =>
    nativeFunction("openDebugFile")(directory, path, debugPath ?? ""),
  );
  return { path, debugPath, handle };
}

/** `packed`, part of the file at `path`, decompressed to `size` bytes. Throws TargetError. */
export function zstdDecompress(path: string, packed: Uint8Array, size: number): Uint8Array {
  return attempt(path, () => nativeFunction("zstdDecompress")(null, packed, size)) as Uint8Array;
}

function nativeFunction(name: string): (...args: readonly unknown[]) => unknown {
  const native = loadAddon()[name];
  if (native === undefined) {
    throw new TargetError("the native addon was built without libdw", {
      operation: "read debugging information",
      subject: name,
    });
  }
  return native;
}

function attempt(path: string, action: () => unknown): unknown {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof TargetError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TargetError(
      `cannot read the debugging information of '${path}': ${reason}`,
      { operation: "read debugging information", subject: path },
      { cause },
    );
  }
}
