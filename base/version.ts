/** Versions as text: "4.8", "2.6.32-5". */

/** Order of versions, as of Array.sort: runs of digits by value, the rest by text (strverscmp(3)). */
export function compareVersions(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareRuns(left[index] ?? "", right[index] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compareRuns(x: string, y: string): number {
  const numeric = /^\d/.test(x) && /^\d/.test(y);
  const [left, right] = numeric ? [BigInt(x), BigInt(y)] : [x, y];
  return left < right ? -1 : left > right ? 1 : 0;
}
