/** Associative arrays: against a model, overflow, wrapping, string keys, slices, sorting. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CONTEXT } from "../../../wasm-runtime/layout/memory.js";
import {
  MAP,
  MAP_VALUE,
  MAP_WRAP,
  type MapShape,
  mapBuckets,
  mapKeyOffset,
  mapValueOffset,
} from "../../../wasm-runtime/layout/values.js";
import { createRandom } from "../../support/random.js";
import { createHarness, type Harness, PLACES } from "./harness.js";

const s = suite("library/map");
const MAP_AT: number = PLACES.data;

type Key = bigint | string;

interface TestMap {
  readonly h: Harness;
  readonly shape: MapShape;
}

function createMap(
  keys: MapShape["keys"],
  capacity: number,
  wrap = 0,
  value: keyof typeof MAP_VALUE = "long",
): TestMap {
  const h = createHarness();
  const valueBytes = value === "string" ? PLACES.maxString : 8;
  const shape: MapShape = { keys, capacity, valueBytes, maxString: PLACES.maxString };
  const strings = keys.reduce((bits, key, i) => bits | (key === "string" ? 1 << i : 0), 0);
  h.lib.map_init(
    MAP_AT,
    capacity,
    mapBuckets(capacity),
    keys.length,
    strings,
    MAP_VALUE[value],
    valueBytes,
    wrap,
  );
  return { h, shape };
}

function setKeys({ h }: TestMap, keys: readonly Key[]): void {
  for (const [index, key] of keys.entries()) {
    const value = typeof key === "string" ? BigInt(h.text(key)) : key;
    h.view.setBigInt64(h.context + CONTEXT.keys + 8 * index, value, true);
  }
}

function find(map: TestMap, ...keys: Key[]): number {
  setKeys(map, keys);
  return map.h.lib.map_find(map.h.context, MAP_AT) as number;
}

function set(map: TestMap, keys: readonly Key[], value: bigint | string): number {
  setKeys(map, keys);
  const entry = map.h.lib.map_insert(map.h.context, MAP_AT) as number;
  if (entry === 0) return 0;
  const at = entry + mapValueOffset(map.shape);
  if (typeof value === "string") map.h.lib.string_copy(at, map.h.text(value));
  else map.h.view.setBigInt64(at, value, true);
  return entry;
}

function remove(map: TestMap, ...keys: Key[]): void {
  setKeys(map, keys);
  map.h.lib.map_remove(map.h.context, MAP_AT);
}

function valueAt(map: TestMap, entry: number): bigint {
  return map.h.view.getBigInt64(entry + mapValueOffset(map.shape), true);
}

function keyAt({ h, shape }: TestMap, entry: number, index: number): Key {
  const at = entry + mapKeyOffset(shape, index);
  return shape.keys[index] === "string" ? h.string(at) : h.view.getBigInt64(at, true);
}

function entries(map: TestMap): number[] {
  const found: number[] = [];
  const { lib } = map.h;
  for (let at = lib.map_first(MAP_AT) as number; at !== 0; at = lib.map_next(at) as number) {
    found.push(at);
  }
  return found;
}

function keysInOrder(map: TestMap): Key[] {
  return entries(map).map((entry) => keyAt(map, entry, 0));
}

s("find, insert and remove agree with a model, in order of insertion", () => {
  const map = createMap(["long"], 40);
  const model = new Map<bigint, bigint>();
  const random = createRandom();
  for (let step = 0; step < 4000; step++) {
    const key = BigInt(Math.floor(random() * 60)) - 30n;
    if (random() < 0.5) {
      remove(map, key);
      model.delete(key);
    } else if (model.has(key) || model.size < 40) {
      assert.is.not(set(map, [key], BigInt(step)), 0);
      model.set(key, BigInt(step));
    }
    const probe = BigInt(Math.floor(random() * 60)) - 30n;
    const entry = find(map, probe);
    assert.is(entry === 0 ? undefined : valueAt(map, entry), model.get(probe));
  }
  const found = entries(map).map((entry) => [keyAt(map, entry, 0), valueAt(map, entry)]);
  assert.equal(found, [...model]);
  assert.is(map.h.view.getInt32(MAP_AT + MAP.count, true), model.size);
});

s("a new value is zero even where an entry is used again", () => {
  const map = createMap(["long"], 2);
  set(map, [1n], 5n);
  remove(map, 1n);
  setKeys(map, [2n]);
  assert.is(valueAt(map, map.h.lib.map_insert(map.h.context, MAP_AT) as number), 0n);
});

s("keys of both types, strings compared by content and cut at the capacity", () => {
  const map = createMap(["string", "long", "string"], 8);
  const long = "k".repeat(80);
  const entry = set(map, ["a", 1n, long], 7n);
  assert.is(find(map, "a", 1n, long.slice(0, 63)), entry);
  assert.is(find(map, "a", 1n, "k"), 0);
  assert.is(find(map, "a", 2n, long.slice(0, 63)), 0);
  assert.is(keyAt(map, entry, 0), "a");
  assert.is(keyAt(map, entry, 2), long.slice(0, 63));
});

s("nine keys", () => {
  const map = createMap(
    Array.from({ length: 9 }, () => "long" as const),
    4,
  );
  const keys = Array.from({ length: 9 }, (_, i) => BigInt(i));
  const entry = set(map, keys, 1n);
  assert.is(find(map, ...keys), entry);
  assert.is(find(map, ...keys.with(8, 0n)), 0);
});

s("overflow is an error that names the limit", () => {
  for (const [wrap, text] of [
    [0, "Array overflow, check MAXMAPENTRIES"],
    [MAP_WRAP.sized, "Array overflow, check size limit (2)"],
  ] as const) {
    const map = createMap(["long"], 2, wrap);
    set(map, [1n], 1n);
    set(map, [2n], 2n);
    assert.is(set(map, [3n], 3n), 0);
    assert.is(map.h.error(), text);
    assert.is.not(set(map, [2n], 4n), 0);
    assert.is(map.h.error(), "");
  }
});

s("a wrapping array recycles its oldest entry", () => {
  const map = createMap(["long"], 3, MAP_WRAP.wrap | MAP_WRAP.sized);
  for (const key of [1n, 2n, 3n, 1n, 4n, 5n]) set(map, [key], key);
  assert.equal(keysInOrder(map), [3n, 4n, 5n]);
  assert.is(find(map, 1n), 0);
  assert.is(map.h.view.getInt32(MAP_AT + MAP.count, true), 3);
});

s("clear leaves an empty array that can be filled", () => {
  const map = createMap(["long"], 3);
  for (const key of [1n, 2n, 3n]) set(map, [key], key);
  map.h.lib.map_clear(MAP_AT);
  assert.equal(keysInOrder(map), []);
  assert.is(find(map, 1n), 0);
  for (const key of [4n, 5n, 6n]) set(map, [key], key);
  assert.equal(keysInOrder(map), [4n, 5n, 6n]);
});

s("a slice matches the keys of its mask", () => {
  const map = createMap(["long", "string"], 4);
  const entry = set(map, [1n, "x"], 1n);
  const matches = (mask: number, ...keys: Key[]): number => {
    setKeys(map, keys);
    return map.h.lib.map_matches(map.h.context, MAP_AT, entry, mask) as number;
  };
  assert.is(matches(0, 9n, "y"), 1);
  assert.is(matches(1, 1n, "y"), 1);
  assert.is(matches(2, 9n, "x"), 1);
  assert.is(matches(3, 1n, "y"), 0);
});

function sort(map: TestMap, by: number, descending: boolean, limit = 0): void {
  map.h.lib.map_sort(MAP_AT, by, descending ? 1 : 0, limit, 0);
}

/** Both directions of the links. */
function checkLinks(map: TestMap): void {
  const order = entries(map);
  const { view } = map.h;
  assert.is(view.getInt32(MAP_AT + MAP.last, true), order.at(-1) ?? 0);
  const back = order.map((entry) => view.getInt32(entry + 4, true));
  assert.equal(back, [0, ...order].slice(0, order.length));
}

s("sorting is stable, by value and key, in both directions", () => {
  const random = createRandom();
  for (const count of [0, 1, 2, 3, 17, 64]) {
    const map = createMap(["long", "string"], 64);
    const model: [bigint, string, bigint][] = [];
    for (let i = 0; i < count; i++) {
      const row: [bigint, string, bigint] = [
        BigInt(i),
        String.fromCharCode(97 + Math.floor(random() * 20), 200),
        BigInt(Math.floor(random() * 9)) - 4n,
      ];
      model.push(row);
      set(map, [row[0], row[1]], row[2]);
    }
    const order = (): Key[] => keysInOrder(map);
    const by = (pick: (row: [bigint, string, bigint]) => Key, sign: number): void => {
      model.sort((a, b) => (pick(a) < pick(b) ? -sign : pick(a) > pick(b) ? sign : 0));
    };
    sort(map, -1, true);
    by((row) => row[2], -1);
    assert.equal(
      order(),
      model.map((row) => row[0]),
    );
    sort(map, 1, false);
    by((row) => row[1], 1);
    assert.equal(
      order(),
      model.map((row) => row[0]),
    );
    sort(map, 0, true, 31);
    by((row) => row[0], -1);
    assert.equal(
      order(),
      model.map((row) => row[0]),
    );
    checkLinks(map);
  }
});

s("a limit of up to 30 selects the best and leaves the others nearly as they were", () => {
  const map = createMap(["long"], 16);
  for (const [key, value] of [
    [1n, 5n],
    [2n, 3n],
    [3n, 9n],
    [4n, 5n],
    [5n, 1n],
    [6n, 7n],
  ] as const) {
    set(map, [key], value);
  }
  // The first two in order, then 3 and 6 in front of them; what they displace stays behind them.
  sort(map, -1, true, 2);
  assert.equal(keysInOrder(map), [3n, 6n, 1n, 2n, 4n, 5n]);
  checkLinks(map);
  sort(map, 0, false, 1);
  assert.equal(keysInOrder(map)[0], 1n);
  checkLinks(map);
  sort(map, 0, false, 30);
  assert.equal(keysInOrder(map), [1n, 2n, 3n, 4n, 5n, 6n]);
  checkLinks(map);
});

s("string values and statistics are sorted by their order", () => {
  const texts = createMap(["long"], 8, 0, "string");
  set(texts, [1n], "b");
  set(texts, [2n], "a");
  set(texts, [3n], "\xff");
  sort(texts, -1, false);
  assert.equal(keysInOrder(texts), [2n, 1n, 3n]);

  const h = createHarness();
  const descriptor = PLACES.data + 0x8000;
  h.view.setInt32(descriptor + 36, 48, true);
  h.lib.map_init(MAP_AT, 8, 16, 1, 0, MAP_VALUE.stat, 48, 0);
  const shape: MapShape = { keys: ["long"], capacity: 8, valueBytes: 48, maxString: 64 };
  const stats: TestMap = { h, shape };
  for (const [key, values] of [
    [1n, [1n, 9n]],
    [2n, [4n, 4n, 4n]],
    [3n, [20n]],
  ] as const) {
    setKeys(stats, [key]);
    const entry = h.lib.map_insert(h.context, MAP_AT) as number;
    for (const value of values) h.lib.stat_add(descriptor, entry + mapValueOffset(shape), value);
  }
  const sorted = (by: number): Key[] => {
    h.lib.map_sort(MAP_AT, by, 1, 0, descriptor);
    return keysInOrder(stats);
  };
  assert.equal(sorted(-1), [2n, 1n, 3n]);
  assert.equal(sorted(-2), [2n, 1n, 3n]);
  assert.equal(sorted(-3), [3n, 2n, 1n]);
  assert.equal(sorted(-4), [3n, 2n, 1n]);
  assert.equal(sorted(-5), [3n, 1n, 2n]);
  assert.equal(sorted(-6), [3n, 1n, 2n]);
  // The variance of one value is 0, too; equal ones keep their order.
  assert.equal(sorted(-7), [1n, 3n, 2n]);
});

s.run();
