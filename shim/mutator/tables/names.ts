/** Names of a table, one behind the other with their NULs, at offsets from the table's start. */
export interface Names {
  /** Offset of `name`. */
  add(name: Uint8Array): number;
  bytes(): Uint8Array;
}

/** No names; the first one will be at `offset`. */
export function createNames(offset: number): Names {
  let buffer = new Uint8Array(4096);
  let used = 0;
  return {
    add: (name) => {
      const at = used;
      used += name.length + 1;
      if (used > buffer.length) {
        const larger = new Uint8Array(2 * used);
        larger.set(buffer.subarray(0, at));
        buffer = larger;
      }
      buffer.set(name, at);
      return offset + at;
    },
    bytes: () => buffer.subarray(0, used),
  };
}
