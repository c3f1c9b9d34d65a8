/**
 * Puts pieces of code and data one behind the other and fills in the distances between them: the
 * result runs at any address and nothing in it is written.
 */
import { bug } from "../../base/assert.js";
import { Assembler } from "../x64/encode.js";
import type { CodeAssembler } from "./code-x64.js";
import type { LinkSymbol } from "./masm.js";

/** Code alignment of functions. */
const FUNCTION_ALIGNMENT = 16;
/** int3, which nothing runs into. */
const PADDING = 0xcc;

/** Text that names a symbol in maps. */
export function symbolKey(symbol: LinkSymbol): string {
  switch (symbol.kind) {
    case "function":
    case "table":
      return `${symbol.kind}:${symbol.module}:${symbol.index}`;
    case "trap":
      return `trap:${symbol.reason}`;
    case "routine":
      return `routine:${symbol.name}`;
    default:
      return bug("unknown symbol");
  }
}

/** An image under construction. */
export class Linker {
  private readonly out = new Assembler<never>();
  private readonly offsets = new Map<string, number>();
  private readonly references: { at: number; key: string }[] = [];

  /** Bytes so far. */
  get length(): number {
    return this.out.length;
  }
  /** Appends `pieces` without a gap at an aligned offset, and gives that. */
  place(...pieces: readonly CodeAssembler[]): number {
    this.out.align(FUNCTION_ALIGNMENT, PADDING);
    const start = this.out.length;
    for (const piece of pieces) {
      const base = this.out.length;
      this.out.bytes(piece.finish());
      for (const { at, symbol } of piece.references) {
        this.references.push({ at: base + at, key: symbolKey(symbol) });
      }
    }
    return start;
  }
  /** Appends data. */
  placeData(bytes: Uint8Array): number {
    this.out.align(FUNCTION_ALIGNMENT, PADDING);
    this.out.bytes(bytes);
    return this.out.length - bytes.length;
  }
  /** Overwrites four bytes of data. */
  patch(offset: number, value: number): void {
    this.out.patch32(offset, value);
  }
  /** Says where `symbol` is. */
  define(symbol: LinkSymbol, offset: number): void {
    this.offsets.set(symbolKey(symbol), offset);
  }
  /** Offset of `symbol`, which was defined. */
  offsetOf(symbol: LinkSymbol): number {
    return this.offsets.get(symbolKey(symbol)) ?? bug(`${symbolKey(symbol)} is not in the image`);
  }
  /** Names of routines that are referred to and not yet defined. */
  missingRoutines(): string[] {
    const names = this.references
      .map((r) => r.key)
      .filter((key) => key.startsWith("routine:") && !this.offsets.has(key))
      .map((key) => key.slice("routine:".length));
    return [...new Set(names)].sort();
  }
  /** Fills in all references and gives the bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    for (const { at, key } of this.references) {
      const target = this.offsets.get(key) ?? bug(`${key} is not in the image`);
      this.out.patch32(at, target - (at + 4));
    }
    return this.out.finish();
  }
}
