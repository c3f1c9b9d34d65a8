/** Parallel moves between registers, as a sequence that means the same. */

/** A position that is not in a register: where the automaton is now, or none. */
export const HERE = -1;
export const NOWHERE = -2;

/** Register `to` = register `from`, or HERE, or NOWHERE. */
export interface Move {
  readonly to: number;
  readonly from: number;
}

/**
 * `moves`, which happen at once and to different registers, one after the other: first those whose
 * target nobody reads any more. What is left are cycles, broken by `spare`.
 */
export function orderMoves(moves: readonly Move[], spare: number): readonly Move[] {
  const open = new Map<number, number>();
  const readers = new Map<number, number>();
  for (const { to, from } of moves) {
    if (to === from) continue;
    open.set(to, from);
    readers.set(from, (readers.get(from) ?? 0) + 1);
  }
  const ordered: Move[] = [];
  const settle = (start: number): void => {
    let to = start;
    for (let from = open.get(to); from !== undefined; from = open.get(to)) {
      ordered.push({ to, from });
      open.delete(to);
      const left = (readers.get(from) ?? 0) - 1;
      readers.set(from, left);
      if (left > 0) return;
      to = from;
    }
  };
  for (const to of [...open.keys()]) if ((readers.get(to) ?? 0) === 0) settle(to);
  for (const to of [...open.keys()]) {
    if (!open.has(to)) continue;
    ordered.push({ to: spare, from: to });
    for (const [other, source] of open) if (source === to) open.set(other, spare);
    readers.set(to, 0);
    settle(to);
  }
  return ordered;
}
