/**
 * Checks the description in a bundle, which may come from anywhere: takes any value, gives the
 * first thing that is wrong with it as "path: reason", or null if it is a BundleMeta whose numbers
 * are in range and whose areas of linear memory lie inside of it, aligned and apart.
 */
import type { BundleMeta, BundleProbe } from "./bundle.js";
import { BUNDLE_VERSION } from "./bundle.js";
import { CONTEXT, PROCFS, RING } from "./layout/memory.js";
import { ABI_VERSION, MAX_SLOTS, WASM_PAGE_BYTES } from "./layout/shared.js";
import { MAX_BAR_WIDTH } from "./layout/values.js";

type Check = (value: unknown, path: string) => string | null;

/** Null if `value` is a valid description, else what is wrong. */
export function checkMeta(value: unknown): string | null {
  const outer = object({ version: exactly(BUNDLE_VERSION), abi: exactly(ABI_VERSION) });
  return outer(value, "meta") ?? META(value, "meta") ?? checkMemory(value as BundleMeta);
}

const integer =
  (least: number, most: number): Check =>
  (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? null
      : `${path}: expected an integer from ${least} to ${most}`;

const exactly =
  (expected: number): Check =>
  (value, path) =>
    value === expected ? null : `${path}: expected ${expected}, found ${String(value)}`;

const text: Check = (value, path) => (typeof value === "string" ? null : `${path}: expected text`);

const decimal: Check = (value, path) =>
  typeof value === "string" && /^\d{1,20}$/.test(value) ? null : `${path}: expected decimal digits`;

const signed: Check = (value, path) =>
  typeof value === "string" && /^-?\d{1,19}$/.test(value)
    ? null
    : `${path}: expected decimal digits`;

/** A path that stays below where it begins. */
const innerPath: Check = (value, path) =>
  typeof value === "string" && value.split("/").every(isName)
    ? null
    : `${path}: expected the path of a file below a directory`;

function isName(part: string): boolean {
  return !["", ".", ".."].includes(part) && !part.includes("\0");
}

const flag: Check = (value, path) =>
  typeof value === "boolean" ? null : `${path}: expected true or false`;

const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value, path) =>
    allowed.includes(value) ? null : `${path}: expected one of ${allowed.join(", ")}`;

const either =
  (first: Check, second: Check): Check =>
  (value, path) =>
    first(value, path) === null ? null : second(value, path);

const absent: Check = (value, path) => (value === null ? null : `${path}: expected null`);

const list =
  (check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path}: expected a list`;
    for (const [index, each] of value.entries()) {
      const problem = check(each, `${path}[${index}]`);
      if (problem !== null) return problem;
    }
    return null;
  };

const object =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (typeof value !== "object" || value === null) return `${path}: expected a map`;
    for (const [name, check] of Object.entries(fields)) {
      const problem = check((value as Record<string, unknown>)[name], `${path}.${name}`);
      if (problem !== null) return problem;
    }
    return null;
  };

/** A map whose other fields depend on its `kind`. */
const variant =
  (cases: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    const kind = (value as { kind?: unknown } | null)?.kind;
    const check = typeof kind === "string" && Object.hasOwn(cases, kind) ? cases[kind] : undefined;
    return check === undefined ? `${path}.kind: unknown` : check(value, path);
  };

const u32 = integer(0, 0xffffffff);
const i32 = integer(-0x80000000, 0x7fffffff);
/** -D and -G accept any number; a double is close enough for begin(N) orders and intervals. */
const number: Check = (value, path) =>
  typeof value === "number" && !Number.isNaN(value) ? null : `${path}: expected a number`;
/** An address as written, which may lie where no process has memory. */
const u64: Check = (value, path) => number(value, path);
const count = integer(0, Number.MAX_SAFE_INTEGER);

const conversion = object({
  spec: u32,
  width: either(either(i32, absent), oneOf("argument")),
  precision: either(either(i32, absent), oneOf("argument")),
});
const piece = variant({
  text: object({ text }),
  long: conversion,
  string: conversion,
  memory: conversion,
  histogram: object({
    histogram: oneOf("linear", "log"),
    low: signed,
    high: signed,
    width: signed,
    barWidth: integer(1, MAX_BAR_WIDTH),
    elision: i32,
  }),
});

const order = object({ order: number });
const point = variant({
  begin: order,
  end: order,
  error: order,
  never: object({}),
  timer: object({ intervalNs: integer(1, 2 ** 53 - 1), randomizeNs: count }),
  process: object({
    event: oneOf("begin", "end", "thread.begin", "thread.end"),
    path: either(text, absent),
    pid: i32,
  }),
  syscall: object({ isReturn: flag, path: either(text, absent), pid: i32 }),
  watch: object({
    symbol: either(text, absent),
    address: u64,
    bytes: either(oneOf(1, 2, 4, 8), absent),
    access: oneOf("write", "read and write"),
  }),
  perf: object({
    type: u32,
    config: decimal,
    sample: integer(1, Number.MAX_SAFE_INTEGER),
    isFrequency: flag,
    path: either(text, absent),
  }),
  profile: object({ intervalNs: integer(1, 2 ** 53 - 1), path: either(text, absent) }),
  procfs: object({
    path: innerPath,
    access: oneOf("read", "write"),
    umask: either(integer(0, 0o777), absent),
    bytes: either(integer(1, 2 ** 31), absent),
  }),
  absolute: object({ pid: i32, address: u64, place: oneOf("instruction", "exits") }),
  site: object({
    module: text,
    buildId: either(text, absent),
    address: count,
    place: oneOf("instruction", "exits", "calls"),
    size: count,
    symbol: text,
    semaphore: count,
    pid: i32,
  }),
});

const META = object({
  memory: object({
    pages: integer(1, 65536),
    contextBase: u32,
    contextStride: u32,
    slotCount: integer(1, MAX_SLOTS),
    scratchOffset: u32,
    ringBase: u32,
    ringBytes: u32,
    ringCount: integer(0, 2 * MAX_SLOTS),
    procfs: u32,
    procfsBytes: u32,
    maxString: integer(2, 1 << 20),
  }),
  probes: list(object({ handler: text, name: text, source: text, point })),
  formats: list(object({ pieces: list(piece) })),
  globals: list(
    object({
      name: text,
      type: oneOf("long", "string", "stats"),
      keys: list(oneOf("long", "string")),
      address: u32,
    }),
  ),
  modules: list(object({ path: text, buildId: either(text, absent) })),
  locations: list(text),
  capabilities: list(text),
  session: object({
    maxErrors: i32,
    maxSkipped: i32,
    suppressErrors: flag,
    lockTries: i32,
    maxAction: either(i32, absent),
  }),
  warnings: list(text),
});

function checkMemory({ memory, probes }: BundleMeta): string | null {
  const size = memory.pages * WASM_PAGE_BYTES;
  const { contextBase, contextStride, slotCount, scratchOffset } = memory;
  const { ringBase, ringBytes, ringCount, procfs, procfsBytes } = memory;
  const contextEnd = contextBase + (slotCount + 1) * contextStride;
  const ringEnd = ringBase + ringCount * ringBytes;
  const rules: [boolean, string][] = [
    [contextBase % 8 === 0 && contextStride % 8 === 0, "contexts are not aligned"],
    [contextEnd <= size, "contexts leave linear memory"],
    [scratchOffset % 8 === 0 && scratchOffset >= CONTEXT.bundle, "scratch overlaps the context"],
    [scratchOffset + memory.maxString + 8 <= contextStride, "scratch is too small"],
    [ringBase % 8 === 0 && ringBytes % 8 === 0, "rings are not aligned"],
    [ringCount === 0 || ringBytes >= RING.data + 64, "rings are too small"],
    [ringEnd <= size, "rings leave linear memory"],
    [procfs % 8 === 0 && procfs + procfsBytes <= contextBase, "control files overlap contexts"],
    [
      procfsBytes >= PROCFS.text + memory.maxString || !probes.some(isProcfs),
      "control files have too little room",
    ],
    [contextEnd <= ringBase || ringEnd <= contextBase, "rings and contexts overlap"],
  ];
  const broken = rules.find(([holds]) => !holds);
  return broken === undefined ? null : `meta.memory: ${broken[1]}`;
}

function isProcfs({ point }: BundleProbe): boolean {
  return point.kind === "procfs";
}
