/** Where the blocks of a flat instruction list begin and end. */
import { assert } from "../../base/assert.js";
import type { Instruction } from "../module/module.js";

/** Partners of structured instructions, by index; -1 where there is none. */
export interface ControlMap {
  /** For block, loop, if and else: index of the `end`. */
  readonly end: Int32Array;
  /** For `if`: index of its else. For `end` and `else`: index of the opening instruction. */
  readonly partner: Int32Array;
}

/** The map of `body`. */
export function controlMap(body: readonly Instruction[]): ControlMap {
  const end = new Int32Array(body.length).fill(-1);
  const partner = new Int32Array(body.length).fill(-1);
  const open: number[] = [];
  for (const [index, { op }] of body.entries()) {
    if (op === "block" || op === "loop" || op === "if") open.push(index);
    else if (op === "else") {
      const start = open.at(-1);
      assert(start !== undefined, "else without if");
      partner[start] = index;
      partner[index] = start;
    } else if (op === "end") {
      const start = open.pop();
      assert(start !== undefined, "end without block");
      end[start] = index;
      partner[index] = start;
      const middle = partner[start] ?? -1;
      if (middle >= 0) end[middle] = index;
    }
  }
  return { end, partner };
}
