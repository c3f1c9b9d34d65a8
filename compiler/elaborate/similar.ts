/** Suggestions for misspelt names: the nearest ones by edit distance (Levenshtein 1966). */

const SUGGESTIONS = 5;

/** ` (similar: a, b, …)` with up to five names nearest to `name`, or "" if there are none. */
export function similar(name: string, candidates: Iterable<string>, what = "similar"): string {
  const nearest = nearestNames(name, candidates);
  return nearest.length === 0 ? "" : ` (${what}: ${nearest.join(", ")})`;
}

/** Up to `most` (five) candidates, nearest first, then by name. */
export function nearestNames(
  name: string,
  candidates: Iterable<string>,
  most: number = SUGGESTIONS,
): string[] {
  return [...new Set(candidates)]
    .filter((candidate) => candidate !== name)
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, most)
    .map((entry) => entry.candidate);
}

/**
 * What it costs to turn `a` into `b`: two for each insertion, deletion and replacement, but one for
 * what only one of them has in front. These are SystemTap's costs, found by trying.
 */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 2);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 2, (next[j] ?? 0) + 2));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
