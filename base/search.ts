/** Searching what is in order. */

/** First of `count` ascending values that is greater than `bound`, as an index; `count` if none is. */
export function firstAbove(
  count: number,
  valueAt: (index: number) => number,
  bound: number,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
