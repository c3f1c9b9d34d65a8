/** Bytes that a program never tells apart, so that tables need one column for all of them. */

import type { RegexProgram } from "./program.js";
import type { ByteSet } from "./syntax.js";

/** Class 0 is that of NUL, the end of the string. */
export interface ByteClasses {
  /** `[byte]` = its class. */
  readonly of: Uint8Array;
  /** `[class]` = one byte of it. */
  readonly samples: readonly number[];
}

/** The coarsest classes that the sets of `program` respect. */
export function findClasses(program: RegexProgram): ByteClasses {
  const sets = new Set<ByteSet>();
  for (const each of program.instructions) if (each.kind === "set") sets.add(each.set);
  const classes = Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0 ? 0 : 1));
  for (const set of sets) refine(classes, set);
  const samples: number[] = [];
  classes.forEach((each, byte) => {
    samples[each] ??= byte;
  });
  return { of: classes, samples };
}

/** Splits each class by membership in `set`; classes stay numbered from 0 without gaps. */
function refine(classes: Uint8Array, set: ByteSet): void {
  const numbers = new Map<number, number>();
  classes.forEach((before, byte) => {
    const key = 2 * before + (set[byte] ?? 0);
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    classes[byte] = number;
  });
}
