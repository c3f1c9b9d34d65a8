/**
 * The module area of a process (MODULES in wasm-runtime/layout/modules.ts): which files are mapped where,
 * for handlers that ask for addresses in modules or for what lies at an address.
 *
 * It is made when handlers are injected, copied by fork(2), and brought up to date when libraries
 * come and go. Handlers read it meanwhile, so a new table is complete before it is said to be valid.
 */
import { type ElfImage, parseElf, SEGMENT, viewOf } from "../../base/elf/image.js";
import { MODULE, MODULES, NOT_LOADED, THREAD_STORAGE } from "../../wasm-runtime/layout/modules.js";
import { livePath, type Mapping, roundUp } from "./maps.js";
import { findModule } from "./matching.js";
import { type Module, openablePath, readMappings, readMemory, readModules } from "./process.js";
import type { MemoryWrite, Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";
import type { DebugSource } from "./tables/debug-source.js";
import { needsTables, tablesOf } from "./tables/tables.js";
import {
  hasThreadStorage,
  NO_STORAGE,
  type ThreadStorage,
  threadStorage,
} from "./thread-storage.js";

/** The module area of one process. */
export interface ModuleArea {
  readonly address: number;
  readonly bytes: number;
  /** Bytes at its start that are taken. */
  readonly used: number;
  /** MODULES.version there. */
  readonly version: number;
  /** What the table there says. */
  readonly content: ModuleContent;
  /** Tables that are there. */
  readonly placed: PlacedTables;
}

/** What is mapped in a process. */
export interface ModuleContent {
  /** Changes with what is mapped. */
  readonly key: string;
  /** By ascending address. */
  readonly modules: readonly PlacedModule[];
  /** Of BundleMeta.modules. */
  readonly biases: readonly number[];
  /** Of the same. */
  readonly storages: readonly ThreadStorage[];
}

/** Addresses of one module, end not included. */
export interface PlacedModule {
  readonly path: string;
  /** Path by which the file can be opened here, null if it cannot. */
  readonly openPath: string | null;
  readonly image: ElfImage;
  readonly start: number;
  readonly end: number;
  readonly loadBias: number;
}

/** Where the tables of each file are: their fields in MODULE with addresses. */
type PlacedTables = ReadonlyMap<ElfImage, readonly (readonly [field: number, address: number])[]>;

/** What the content of an area depends on. */
export interface ModuleNeeds {
  readonly bundle: RunnableBundle;
  readonly debugSource: DebugSource;
}

/** Whether handlers of `bundle` ask for modules. */
export function needsModules({ meta }: RunnableBundle): boolean {
  return meta.modules.length > 0 || needsTables(meta);
}

/** Offset of what lies behind the two tables: biases, storages, then tables of modules. */
const FIXED_BYTES: number = MODULES.tables + 2 * MODULES.capacity * MODULE.bytes;
const BIAS_BYTES = 8;
/** Address space kept for the tables of libraries that are loaded later. */
const SPARE_BYTES = 0x400_0000;
const TABLE_ALIGNMENT = 64;

/** Bytes of the module area in a process with `content`. */
export function moduleAreaBytes(needs: ModuleNeeds, content: ModuleContent): number {
  const bytes = tablesStart(content) + sizeOfTables(content, needs);
  return roundUp(bytes) + (needsTables(needs.bundle.meta) ? SPARE_BYTES : 0);
}

function tablesStart({ biases }: ModuleContent): number {
  return align(FIXED_BYTES + (BIAS_BYTES + THREAD_STORAGE.bytes) * biases.length);
}

function align(bytes: number): number {
  return Math.ceil(bytes / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
}

function sizeOfTables({ modules }: ModuleContent, needs: ModuleNeeds): number {
  const images = new Set(modules.map(({ image }) => image));
  return modules
    .filter(({ image }) => images.delete(image))
    .flatMap((module) => tablesOf(module, needs.bundle.meta, needs.debugSource))
    .reduce((sum, { bytes }) => sum + align(bytes.length), 0);
}

/** What is mapped in process `pid`. Throws TargetError if it runs another build of a module. */
export function readContent(
  pid: number,
  mappings: readonly Mapping[],
  { bundle: { meta } }: ModuleNeeds,
): ModuleContent {
  const key = contentKey(mappings);
  const files = readModules(pid, mappings);
  const placed = [
    ...files.map((module) => place(module, openablePath(pid, module.file))),
    ...placeVdso(pid, mappings),
  ];
  const modules = placed.sort((a, b) => a.start - b.start).slice(0, MODULES.capacity);
  const named = meta.modules.map((name) => findModule(pid, files, name));
  const storages = named.map((module) =>
    module !== null && hasThreadStorage(module) ? threadStorage(pid, files, module) : NO_STORAGE,
  );
  const biases = named.map((module) => module?.loadBias ?? NOT_LOADED);
  return { key, modules, biases, storages };
}

/** Changes when files are mapped for execution, or unmapped. */
export function contentKey(mappings: readonly Mapping[]): string {
  return mappings
    .filter(({ executable, inode }) => executable && inode !== 0)
    .map(({ start, device, inode }) => `${start} ${device} ${inode}`)
    .join();
}

function place(
  { path, image, loadBias }: Omit<Module, "file">,
  openPath: string | null,
): PlacedModule {
  const loaded = image.segments.filter(({ type }) => type === SEGMENT.load);
  const start = Math.min(...loaded.map(({ address }) => address));
  const end = Math.max(...loaded.map(({ address, memorySize }) => address + memorySize));
  const name = livePath(path);
  return { path: name, openPath, image, start: start + loadBias, end: end + loadBias, loadBias };
}

/** The kernel gives every process the same vDSO. */
let vdso: ElfImage | null = null;
const VDSO = "[vdso]";

function placeVdso(pid: number, mappings: readonly Mapping[]): PlacedModule[] {
  const mapping = mappings.find(({ path }) => path === VDSO);
  if (mapping === undefined) return [];
  vdso ??= parseElf(readMemory(pid, mapping.start, mapping.end - mapping.start), VDSO);
  const low = vdso.segments.find(({ type }) => type === SEGMENT.load)?.address ?? 0;
  return [place({ path: VDSO, image: vdso, loadBias: mapping.start - low }, null)];
}

/** An area and what is to be written there. */
export interface FilledArea {
  readonly area: ModuleArea;
  readonly writes: readonly MemoryWrite[];
}

/** The area with its first content, mapped at `address`. */
export function fillModuleArea(
  address: number,
  bytes: number,
  content: ModuleContent,
  needs: ModuleNeeds,
): FilledArea {
  const head = new Uint8Array(MODULES.tables);
  const view = viewOf(head);
  view.setUint32(MODULES.biasCount, content.biases.length, true);
  view.setUint32(MODULES.counts, content.modules.length, true);
  view.setBigUint64(MODULES.biases, BigInt(address + FIXED_BYTES), true);
  const storages = address + FIXED_BYTES + BIAS_BYTES * content.biases.length;
  view.setBigUint64(MODULES.storages, BigInt(storages), true);
  const used = tablesStart(content);
  const empty = { address, bytes, used, version: 0, content, placed: new Map() };
  const { area, writes } = placeTables(empty, content, needs);
  return {
    area,
    writes: [
      { address, bytes: head },
      ...writes,
      { address: address + MODULES.tables, bytes: encodeModules(content.modules, area.placed) },
      { address: address + FIXED_BYTES, bytes: encodeReferences(content) },
    ],
  };
}

/** Finds room for the tables of modules that are new; one that does not fit is left out. */
function placeTables(
  area: ModuleArea,
  { modules }: ModuleContent,
  { bundle, debugSource }: ModuleNeeds,
): FilledArea {
  const placed = new Map(area.placed);
  const writes: MemoryWrite[] = [];
  let { used } = area;
  for (const module of modules) {
    if (placed.has(module.image)) continue;
    const made = tablesOf(module, bundle.meta, debugSource);
    const tables = made.flatMap(({ field, bytes }): [number, number][] => {
      const address = area.address + used;
      if (used + bytes.length > area.bytes) return [];
      used += align(bytes.length);
      writes.push({ address, bytes });
      return [[field, address]];
    });
    placed.set(module.image, tables);
  }
  return { area: { ...area, used, placed }, writes };
}

function encodeModules(modules: readonly PlacedModule[], placed: PlacedTables): Uint8Array {
  const bytes = new Uint8Array(modules.length * MODULE.bytes);
  const view = viewOf(bytes);
  for (const [index, { image, start, end, loadBias }] of modules.entries()) {
    const at = index * MODULE.bytes;
    view.setBigUint64(at + MODULE.start, BigInt(start), true);
    view.setBigUint64(at + MODULE.end, BigInt(end), true);
    view.setBigInt64(at + MODULE.loadBias, BigInt(loadBias), true);
    for (const [field, address] of placed.get(image) ?? []) {
      view.setBigUint64(at + field, BigInt(address), true);
    }
  }
  return bytes;
}

/** Biases, then storages. */
function encodeReferences({ biases, storages }: ModuleContent): Uint8Array {
  const words = storages.flatMap(({ number, distance, generations }) => [
    number,
    distance,
    generations,
  ]);
  return new Uint8Array(BigInt64Array.from([...biases, ...words], BigInt).buffer);
}

/**
 * Writes down what is mapped in process `pid` now. Gives the area as it is then; the same one if
 * nothing has changed.
 */
export async function updateModules(
  tracer: Tracer,
  pid: number,
  area: ModuleArea,
  needs: ModuleNeeds,
): Promise<ModuleArea> {
  const mappings = readMappings(pid);
  // A process that was forked may have an older table than its parent is known to have.
  const found = viewOf(readMemory(pid, area.address + MODULES.version, 4)).getUint32(0, true);
  if (found === area.version && contentKey(mappings) === area.content.key) return area;
  const content = readContent(pid, mappings, needs);
  const version = (found + 1) >>> 0;
  const number = version & 1;
  const table = area.address + MODULES.tables + number * MODULES.capacity * MODULE.bytes;
  const next = placeTables(area, content, needs);
  const { modules } = content;
  await tracer.write(pid, [
    ...next.writes,
    { address: table, bytes: encodeModules(modules, next.area.placed) },
    { address: area.address + MODULES.counts + 4 * number, bytes: word(modules.length) },
    { address: area.address + FIXED_BYTES, bytes: encodeReferences(content) },
    { address: area.address + MODULES.version, bytes: word(version) },
  ]);
  return { ...next.area, version, content };
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}
