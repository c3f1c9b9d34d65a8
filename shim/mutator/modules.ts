/**
 * The module area of a process (MODULES in wasm-runtime/layout.ts): which files are mapped where,
 * for handlers that ask for addresses in modules or for what lies at an address.
 *
 * It is made when handlers are injected, copied by fork(2), and brought up to date when libraries
 * come and go. Handlers read it meanwhile, so a new table is complete before it is said to be valid.
 */
import { statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { parseElf, SEGMENT, viewOf } from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import type { BundleModule } from "../../wasm-runtime/bundle.js";
import { MODULE, MODULES, NOT_LOADED } from "../../wasm-runtime/layout.js";
import { livePath, type Mapping } from "./maps.js";
import { type Module, readMappings, readMemory, readModules } from "./process.js";
import type { MemoryWrite, Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";

/** The module area of one process. */
export interface ModuleArea {
  readonly address: number;
  readonly bytes: number;
  /** MODULES.version there. */
  readonly version: number;
  /** What the table there says. */
  readonly content: ModuleContent;
}

/** What is mapped in a process. */
export interface ModuleContent {
  /** By ascending address. */
  readonly modules: readonly PlacedModule[];
  /** Of BundleMeta.modules. */
  readonly biases: readonly number[];
}

/** Addresses of one module, end not included. */
export interface PlacedModule {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly loadBias: number;
}

/** Whether handlers of `bundle` ask for modules. */
export function needsModules({ meta }: RunnableBundle): boolean {
  return meta.modules.length > 0;
}

/** Bytes of the module area for `bundle`. */
export function moduleAreaBytes({ meta }: RunnableBundle): number {
  return biasesOffset() + 8 * meta.modules.length;
}

function biasesOffset(): number {
  return MODULES.tables + 2 * MODULES.capacity * MODULE.bytes;
}

/** What is mapped in process `pid`. Throws TargetError if it runs another build of a module. */
export function readContent(
  pid: number,
  mappings: readonly Mapping[],
  { meta }: RunnableBundle,
): ModuleContent {
  const files = readModules(pid, mappings);
  const placed = [...files.map(place), ...placeVdso(pid, mappings)];
  const modules = placed.sort((a, b) => a.start - b.start).slice(0, MODULES.capacity);
  const biases = meta.modules.map((name) => findModule(pid, files, name)?.loadBias ?? NOT_LOADED);
  return { modules, biases };
}

function place({
  path,
  image,
  loadBias,
}: Pick<Module, "path" | "image" | "loadBias">): PlacedModule {
  const loaded = image.segments.filter(({ type }) => type === SEGMENT.load);
  const start = Math.min(...loaded.map(({ address }) => address));
  const end = Math.max(...loaded.map(({ address, memorySize }) => address + memorySize));
  return { path, start: start + loadBias, end: end + loadBias, loadBias };
}

function placeVdso(pid: number, mappings: readonly Mapping[]): PlacedModule[] {
  const mapping = mappings.find(({ path }) => path === VDSO);
  if (mapping === undefined) return [];
  const image = parseElf(readMemory(pid, mapping.start, mapping.end - mapping.start), VDSO);
  const low = image.segments.find(({ type }) => type === SEGMENT.load)?.address ?? 0;
  return [place({ path: VDSO, image, loadBias: mapping.start - low })];
}

const VDSO = "[vdso]";

/** The module that `name` names: by path, else by file, else by build-id; null if there is none. */
export function findModule(
  pid: number,
  modules: readonly Module[],
  name: BundleModule,
): Module | null {
  const inode = inodeOf(name.path);
  const module =
    modules.find((m) => livePath(m.path) === name.path) ??
    modules.find((m) => inode !== 0 && m.file.inode === inode) ??
    modules.find((m) => name.buildId !== null && m.image.buildId === name.buildId);
  if (module === undefined) return null;
  if (name.buildId !== null && module.image.buildId !== name.buildId) {
    throw new TargetError(
      `the script was compiled for another build of ${name.path}: build-id ${name.buildId}, process ${pid} has ${module.image.buildId ?? "none"}`,
      { operation: "find module", subject: name.path },
    );
  }
  return module;
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    return 0;
  }
}

/** The area with its first content, mapped at `address`, and what is to be written there. */
export function fillModuleArea(
  address: number,
  bytes: number,
  content: ModuleContent,
): { readonly area: ModuleArea; readonly writes: readonly MemoryWrite[] } {
  const head = new Uint8Array(MODULES.tables);
  const view = viewOf(head);
  view.setUint32(MODULES.biasCount, content.biases.length, true);
  view.setUint32(MODULES.counts, content.modules.length, true);
  view.setBigUint64(MODULES.biases, BigInt(address + biasesOffset()), true);
  const writes = [
    { address, bytes: head },
    { address: address + MODULES.tables, bytes: encodeTable(content.modules) },
    { address: address + biasesOffset(), bytes: encodeBiases(content.biases) },
  ];
  return { area: { address, bytes, version: 0, content }, writes };
}

function encodeTable(modules: readonly PlacedModule[]): Uint8Array {
  const bytes = new Uint8Array(modules.length * MODULE.bytes);
  const view = viewOf(bytes);
  for (const [index, { start, end, loadBias }] of modules.entries()) {
    const at = index * MODULE.bytes;
    view.setBigUint64(at + MODULE.start, BigInt(start), true);
    view.setBigUint64(at + MODULE.end, BigInt(end), true);
    view.setBigInt64(at + MODULE.loadBias, BigInt(loadBias), true);
  }
  return bytes;
}

function encodeBiases(biases: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(biases, BigInt).buffer);
}

/**
 * Writes down what is mapped in process `pid` now. Gives the area as it is then; the same one if
 * nothing has changed.
 */
export async function updateModules(
  tracer: Tracer,
  pid: number,
  area: ModuleArea,
  bundle: RunnableBundle,
): Promise<ModuleArea> {
  const content = readContent(pid, readMappings(pid), bundle);
  // A process that was forked may have an older table than its parent is known to have.
  const found = viewOf(readMemory(pid, area.address + MODULES.version, 4)).getUint32(0, true);
  const isCurrent = found === area.version && isDeepStrictEqual(content, area.content);
  if (isCurrent) return area;
  const version = (found + 1) >>> 0;
  const table = version & 1;
  const at = area.address + MODULES.tables + table * MODULES.capacity * MODULE.bytes;
  await tracer.write(pid, [
    { address: at, bytes: encodeTable(content.modules) },
    { address: area.address + MODULES.counts + 4 * table, bytes: word(content.modules.length) },
    { address: area.address + biasesOffset(), bytes: encodeBiases(content.biases) },
    { address: area.address + MODULES.version, bytes: word(version) },
  ]);
  return { ...area, version, content };
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}
