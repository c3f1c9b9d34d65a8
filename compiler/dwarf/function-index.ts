/** Searching the index of a file's functions, which is built natively by one walk over the DWARF. */
import type { DieId, FunctionIndex } from "./native.js";

/** The string at `offset`. */
export function stringAt({ strings }: FunctionIndex, offset: number): string {
  return textOf(strings).toString("utf8", offset, strings.indexOf(0, offset));
}

/** Offset of `text` in `strings`, 0 if it is empty or not there. */
export function findString(strings: Uint8Array, text: string): number {
  return text === "" ? 0 : textOf(strings).indexOf(`\0${text}\0`) + 1;
}

/** Rows whose name or linkage name is `name`. */
export function findRows(index: FunctionIndex, name: string): number[] {
  const wanted = findString(index.strings, name);
  return wanted === 0 ? [] : rowsOf(index, (offset) => offset === wanted);
}

/** Rows whose name or linkage name satisfies `fits`, which is asked once for each name. */
export function rowsWhere(index: FunctionIndex, fits: (name: string) => boolean): number[] {
  const known = new Map<number, boolean>([[0, false]]);
  return rowsOf(index, (offset) => {
    const answer = known.get(offset) ?? fits(stringAt(index, offset));
    known.set(offset, answer);
    return answer;
  });
}

function rowsOf(
  { names, linkageNames }: FunctionIndex,
  fits: (offset: number) => boolean,
): number[] {
  const found: number[] = [];
  names.forEach((name, row) => {
    if (fits(name) || fits(linkageNames[row] ?? 0)) found.push(row);
  });
  return found;
}

/** Inlined instances by the abstract function they are of. */
export function instancesByOrigin({
  instances,
}: FunctionIndex): ReadonlyMap<DieId, readonly DieId[]> {
  const found = new Map<DieId, DieId[]>();
  for (let i = 0; i + 1 < instances.length; i += 2) {
    const [instance, origin] = [instances[i] as DieId, instances[i + 1] as DieId];
    const others = found.get(origin);
    if (others) others.push(instance);
    else found.set(origin, [instance]);
  }
  return found;
}

function textOf(strings: Uint8Array): Buffer {
  return Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
}
