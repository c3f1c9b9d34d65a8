/** Which of many functions and inlined instances, that lie in each other, hold an address. */
import type { AddressRange } from "../dwarf/ranges.js";
import { indexAbove } from "./statement-lines.js";

interface Interval<Item> {
  /** First address. */
  readonly address: number;
  readonly end: number;
  /** Highest end of this interval and of those before it. */
  readonly reach: number;
  readonly order: number;
  readonly item: Item;
}

/** Finds the `items` around an address, in their own order. */
export function findAround<Item extends { readonly ranges: readonly AddressRange[] }>(
  items: readonly Item[],
): (address: number) => readonly Item[] {
  const sorted = items
    .flatMap((item, order) =>
      item.ranges.map(({ begin, end }) => ({ address: begin, end, order, item })),
    )
    .sort((a, b) => a.address - b.address);
  let reach = 0;
  const intervals = sorted.map((interval): Interval<Item> => {
    reach = Math.max(reach, interval.end);
    return { ...interval, reach };
  });
  return (address) => {
    const found: Interval<Item>[] = [];
    for (let at = indexAbove(intervals, address) - 1; at >= 0; at--) {
      const interval = intervals[at];
      if (interval === undefined || interval.reach <= address) break;
      if (address < interval.end) found.push(interval);
    }
    return found.sort((a, b) => a.order - b.order).map(({ item }) => item);
  };
}
