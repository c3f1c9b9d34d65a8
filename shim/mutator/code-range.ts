/** Bytes of parts of a module, by ELF address. */

/** Bytes of a part of a module. */
export interface CodeRange {
  /** ELF address of the first byte. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Up to `length` bytes of code or data at `address`; empty if the file has none there. */
export function readModule(
  ranges: readonly CodeRange[],
  address: number,
  length: number,
): Uint8Array {
  for (const range of ranges) {
    const at = address - range.address;
    if (at >= 0 && at < range.bytes.length) return range.bytes.subarray(at, at + length);
  }
  return new Uint8Array();
}
