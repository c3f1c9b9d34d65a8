/**
 * The table by which handlers find the source line of an address (LINES in wasm-runtime/layout/modules.ts):
 * the rows of all line tables of a module, by address, where the line or file changes.
 */
import { type ElfImage, isExecutableAddress } from "../../../base/elf/image.js";
import { LINE, LINES } from "../../../wasm-runtime/layout/modules.js";
import type { DebugLine } from "./debug-source.js";
import { createNames } from "./names.js";

/** Table of the `lines` of `image`, whose loaded segments begin at `low`; null if there are none. */
export function buildLineTable(
  image: ElfImage,
  low: number,
  lines: readonly DebugLine[],
): Uint8Array | null {
  // Functions that the linker left out keep their rows, at address 0.
  const rows = distinct(
    lines.filter(
      ({ address, isEndSequence }) => isEndSequence || isExecutableAddress(image, address),
    ),
  );
  if (rows.length === 0) return null;
  const addressesAt = LINES.bytes;
  const rowsAt = addressesAt + 4 * rows.length;
  const namesAt = rowsAt + LINE.bytes * rows.length;
  const table = new Uint32Array(namesAt / 4);
  table[LINES.rowCount / 4] = rows.length;
  table[LINES.addresses / 4] = addressesAt;
  table[LINES.rows / 4] = rowsAt;
  const names = createNames(namesAt);
  const known = new Map<string, number>();
  for (const [index, { address, file, line, isEndSequence }] of rows.entries()) {
    let name = isEndSequence ? 0 : known.get(file);
    if (name === undefined) {
      name = names.add(Buffer.from(file));
      known.set(file, name);
    }
    const at = rowsAt / 4 + (LINE.bytes / 4) * index;
    table[addressesAt / 4 + index] = address - low;
    table[at + LINE.line / 4] = line;
    table[at + LINE.file / 4] = name;
  }
  return Buffer.concat([new Uint8Array(table.buffer), names.bytes()]);
}

/**
 * By ascending address, one row for each. The end of a sequence gives way to what begins there; of
 * several rows for an address the last one is of the code there (DWARF 5 §6.2.2, empty ranges).
 */
function distinct(lines: readonly DebugLine[]): DebugLine[] {
  const sorted = lines.toSorted((a, b) => a.address - b.address || rank(a) - rank(b));
  const rows: DebugLine[] = [];
  for (const row of sorted) {
    if (rows.at(-1)?.address === row.address) rows.pop();
    const last = rows.at(-1);
    const isSame =
      last?.line === row.line && last.file === row.file && last.isEndSequence === row.isEndSequence;
    if (!isSame) rows.push(row);
  }
  return rows;
}

function rank({ isEndSequence }: DebugLine): number {
  return isEndSequence ? 0 : 1;
}
