/** A map whose keys are known at once and whose values are made when they are asked for. */

/** Values come from `resolve(key)`; a key without value counts as absent. */
export class LazyMap<Value> implements ReadonlyMap<string, Value> {
  readonly #keys: ReadonlySet<string>;
  readonly #resolve: (key: string) => Value | undefined;
  readonly #known = new Map<string, Value | undefined>();

  constructor(keys: ReadonlySet<string>, resolve: (key: string) => Value | undefined) {
    this.#keys = keys;
    this.#resolve = resolve;
  }

  get(key: string): Value | undefined {
    if (!this.#keys.has(key)) return undefined;
    if (!this.#known.has(key)) this.#known.set(key, this.#resolve(key));
    return this.#known.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Number of possible keys; those without value are included. */
  get size(): number {
    return this.#keys.size;
  }

  *entries(): MapIterator<[string, Value]> {
    for (const key of this.#keys) {
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<Value> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries();
  }

  forEach(visit: (value: Value, key: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }

  /** All keys that may have a value, without making the values. */
  possibleKeys(): ReadonlySet<string> {
    return this.#keys;
  }
}
