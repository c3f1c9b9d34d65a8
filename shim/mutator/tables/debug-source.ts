/**
 * What the debugging information of a file says beyond the file itself: asked of whoever runs the
 * session, because the reader of DWARF is part of the compiler.
 */
import type { DataSymbol } from "../../../base/elf/symbols.js";

/** A symbol that the debug file has. */
export interface DebugSymbol {
  readonly name: string;
  /** ELF address. */
  readonly address: number;
  /** In bytes; 0 when unknown. */
  readonly size: number;
  /** STB_… of the gABI: 0 local, 1 global, 2 weak. */
  readonly binding: number;
}

/** A row of a line table. */
export interface DebugLine {
  /** ELF address. */
  readonly address: number;
  readonly file: string;
  /** From 1; 0 if the code belongs to no line. */
  readonly line: number;
  /** The address is the first one after a sequence of rows. */
  readonly isEndSequence: boolean;
}

/** Reads debugging information. What cannot be read is not there. */
export interface DebugSource {
  /** Symbols of the ELF file at `path` with those of its debug file. */
  symbols(path: string): readonly DebugSymbol[];
  /** The data object called `name` in that file or its debug file, null if there is none. */
  data(path: string, name: string): DataSymbol | null;
  /** Rows of all line tables, those of each sequence by ascending address. */
  lines(path: string): readonly DebugLine[];
}

/** A source that knows nothing. */
export const NO_DEBUG_SOURCE: DebugSource = {
  symbols: () => [],
  data: () => null,
  lines: () => [],
};
