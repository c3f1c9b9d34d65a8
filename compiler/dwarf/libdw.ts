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
  const functionSymbols = loadAddon()["functionSymbols"];
  const about = { operation: "read symbols", subject: path };
  if (functionSymbols === undefined) {
    throw new TargetError("the native addon was built without libdw", about);
  }
  prebuiltPath("libelf.so.1");
  const directory = dirname(prebuiltPath("libdw.so.1"));
  try {
    return functionSymbols(directory, path) as DebugSymbol[];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TargetError(`cannot read the symbols of '${path}': ${reason}`, about, { cause });
  }
}
