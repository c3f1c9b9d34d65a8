/**
 * elfutils' libdw through the native addon: what a file does not say itself but its separate debug
 * file or compressed .gnu_debugdata does. Loaded on first use. Source: libdwfl.h of elfutils 0.188.
 */
import { dirname } from "node:path";
import { loadAddon } from "../../base/addon.js";
import { prebuiltPath } from "../../base/prebuilt.js";
import { TargetError } from "../../base/target-error.js";

/** A defined function symbol as libdwfl gives it. */
export interface DebugSymbol {
  readonly name: string;
  /** ELF address, without load bias. */
  readonly address: number;
  /** In bytes; 0 when unknown. */
  readonly size: number;
  /** STT_… of the gABI: 2 function, 10 indirect function. */
  readonly type: number;
  /** STB_… of the gABI: 0 local, 1 global, 2 weak. */
  readonly binding: number;
}

/** Function symbols of the ELF file at `path` and of all debug files that belong to it. */
export function readDebugSymbols(path: string): readonly DebugSymbol[] {
  return call("functionSymbols", path) as DebugSymbol[];
}

/** True if the ELF file at `path`, or its debug file, has DWARF. */
export function hasDwarf(path: string): boolean {
  return call("hasDwarf", path) === true;
}

function call(name: "functionSymbols" | "hasDwarf", path: string): unknown {
  const about = { operation: "read symbols", subject: path };
  const native = loadAddon()[name];
  if (native === undefined) {
    throw new TargetError("the native addon was built without libdw", about);
  }
  prebuiltPath("libelf.so.1");
  const directory = dirname(prebuiltPath("libdw.so.1"));
  try {
    return native(directory, path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TargetError(`cannot read the symbols of '${path}': ${reason}`, about, { cause });
  }
}
