/** The module area, of this process: its C library, executable and vDSO. */
import { readFileSync, realpathSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseElf, viewOf } from "../../../base/elf/image.js";
import { fillModuleArea, moduleAreaBytes, readContent } from "../../../shim/mutator/modules.js";
import { readMappings } from "../../../shim/mutator/process.js";
import type { RunnableBundle } from "../../../shim/mutator/runnable.js";
import { NO_DEBUG_SOURCE } from "../../../shim/mutator/tables/debug-source.js";
import { NO_STORAGE } from "../../../shim/mutator/thread-storage.js";
import {
  MODULE,
  MODULES,
  NOT_LOADED,
  THREAD_STORAGE,
} from "../../../wasm-runtime/layout/modules.js";
import { testMeta } from "../library/harness.js";

const s = suite("mutator/modules");

const program = realpathSync(process.execPath);
const names = [
  { path: program, buildId: null },
  { path: "/nowhere/libnone.so", buildId: null },
];
const bundle = { meta: { ...testMeta(), modules: names } } as unknown as RunnableBundle;
const needs = { bundle, debugSource: NO_DEBUG_SOURCE };

s("every mapped module is known with its place", () => {
  const mappings = readMappings(process.pid);
  const { modules, biases } = readContent(process.pid, mappings, needs, []);
  for (const { path, start, end } of modules) {
    // V8 maps a part of its executable a second time, so only one mapping must be inside.
    const own = mappings.filter((mapping) => mapping.path === path);
    assert.ok(
      own.some((mapping) => mapping.start + 4095 >= start && mapping.end <= end + 4095),
      path,
    );
  }
  const starts = modules.map(({ start }) => start);
  assert.equal(
    starts,
    [...starts].sort((a, b) => a - b),
  );
  assert.ok(modules.some(({ path }) => path === "[vdso]"));
  assert.ok(modules.some(({ path }) => /libc/.test(path)));
  const executable = modules.find(({ path }) => path === program);
  assert.equal(biases, [executable?.loadBias, NOT_LOADED]);
});

s("a process with another build of a named module is refused", () => {
  const meta = { ...testMeta(), modules: [{ path: program, buildId: "00" }] };
  assert.throws(
    () =>
      readContent(
        process.pid,
        readMappings(process.pid),
        { ...needs, bundle: { ...bundle, meta } },
        [],
      ),
    /compiled for another build/,
  );
});

s("the area says what the shim reads", () => {
  const image = parseElf(readFileSync(program), program);
  const content = {
    key: "",
    modules: [
      { path: "/a", openPath: null, image, start: 0x1000, end: 0x3000, loadBias: 0 },
      { path: "/b", openPath: null, image, start: 0x7000, end: 0x9000, loadBias: 0x7000 },
    ],
    own: [{ start: 0x4000, end: 0x5000, key: "own", table: Uint8Array.of(7) }],
    biases: [0x7000, NOT_LOADED],
    storages: [{ number: 3, distance: 0x20, generations: 0x30 }, NO_STORAGE],
  };
  const bytes = moduleAreaBytes(needs, content);
  const { writes } = fillModuleArea(0x10000, bytes, content, needs);
  const area = new Uint8Array(bytes);
  for (const write of writes) area.set(write.bytes, write.address - 0x10000);
  const view = viewOf(area);
  assert.is(view.getUint32(MODULES.counts, true), 3);
  assert.is(view.getUint32(MODULES.biasCount, true), 2);
  const storages = Number(view.getBigUint64(MODULES.storages, true)) - 0x10000;
  assert.is(view.getBigUint64(storages + THREAD_STORAGE.number, true), 3n);
  assert.is(view.getBigUint64(storages + THREAD_STORAGE.generations, true), 0x30n);
  const own = MODULES.tables + MODULE.bytes;
  assert.is(view.getBigUint64(own + MODULE.start, true), 0x4000n);
  assert.is(view.getUint32(own + MODULE.isOwn, true), 1);
  assert.is(area[Number(view.getBigUint64(own + MODULE.unwind, true)) - 0x10000], 7);
  const second = own + MODULE.bytes;
  assert.is(view.getUint32(second + MODULE.isOwn, true), 0);
  assert.is(view.getBigUint64(second + MODULE.start, true), 0x7000n);
  assert.is(view.getBigUint64(second + MODULE.end, true), 0x9000n);
  assert.is(view.getBigUint64(second + MODULE.loadBias, true), 0x7000n);
  const biases = Number(view.getBigUint64(MODULES.biases, true)) - 0x10000;
  assert.is(view.getBigInt64(biases, true), 0x7000n);
  assert.is(view.getBigInt64(biases + 8, true), -1n);
});

s.run();
