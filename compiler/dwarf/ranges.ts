/** Address ranges of DIEs. */
import { callNative, type DieId, type NativeFile } from "./native.js";

/** Half-open range of ELF addresses. */
export interface AddressRange {
  readonly begin: number;
  readonly end: number;
}

/** Addresses of the code of `die`, empty if it has none. */
export function readRanges(file: NativeFile, die: DieId): readonly AddressRange[] {
  const flat = callNative("ranges", file, die);
  const found: AddressRange[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [begin = 0, end = 0] = flat.slice(i, i + 2);
    if (begin < end) found.push({ begin, end });
  }
  return found;
}
