/** Random numbers for tests: the seed is printed and can be given again in WASTAP_SEED. */

/** A generator of numbers in [0, 1), other ones in each run. */
export function createRandom(): () => number {
  return seededRandom(randomSeed());
}

/** WASTAP_SEED, else a number that differs from run to run; prints it. */
export function randomSeed(): number {
  const seed = Number(process.env["WASTAP_SEED"] ?? Date.now() % 1_000_000_007);
  process.stdout.write(`seed: WASTAP_SEED=${seed}\n`);
  return seed;
}

/** A generator of numbers in [0, 1) (mulberry32, public domain construction by Tommy Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Choices from a seed. */
export class Random {
  private readonly next: () => number;
  constructor(seed: number) {
    this.next = seededRandom(seed);
  }
  /** A whole number from 0 up to but not including `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  /** One of `items`. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
