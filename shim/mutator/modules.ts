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
import type { OwnModule } from "./own-modules.js";
import { type Module, openablePath, readMappings, readMemory, readModules } from "./process.js";
import type { MemoryWrite, Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";
import type { DebugSource } from "./tables/debug-source.js";
import { type ModuleTable, needsTables, tablesOf } from "./tables/tables.js";
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
  /** Code of ours. */
  readonly own: readonly OwnModule[];
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

/** Where the tables of each file, or of code of ours by its key, are: fields of MODULE, addresses. */
type PlacedTables = ReadonlyMap<
  ElfImage | string,
  readonly (readonly [field: number, address: number])[]
>;

/** What MODULE says, and of what its tables are made. */
interface Entry {
  readonly key: ElfImage | string;
  readonly start: number;
  readonly end: number;
  readonly loadBias: number;
  readonly isOwn: boolean;
  tables(): readonly ModuleTable[];
}

/** What is mapped, by ascending address. */
function entriesOf({ modules, own }: ModuleContent, needs: ModuleNeeds): Entry[] {
  const files = modules.map((module): Entry => {
    const tables = (): ModuleTable[] => tablesOf(module, needs.bundle.meta, needs.debugSource);
    return { ...module, key: module.image, isOwn: false, tables };
  });
  const ours = own.map(({ table, ...module }): Entry => {
    const tables = (): ModuleTable[] => [{ field: MODULE.unwind, bytes: table }];
    return { ...module, loadBias: module.start, isOwn: true, tables };
  });
  const all = [...files, ...ours].sort((a, b) => a.start - b.start);
  return all.slice(0, MODULES.capacity);
}

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
  const bytes = tablesStart(content) + sizeOfTables(entriesOf(content, needs));
  return roundUp(bytes) + (needsTables(needs.bundle.meta) ? SPARE_BYTES : 0);
}

function tablesStart({ biases }: ModuleContent): number {
  return align(FIXED_BYTES + (BIAS_BYTES + THREAD_STORAGE.bytes) * biases.length);
}

function align(bytes: number): number {
  return Math.ceil(bytes / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
}

function sizeOfTables(entries: readonly Entry[]): number {
  const keys = new Set(entries.map(({ key }) => key));
  return entries
    .filter(({ key }) => keys.delete(key))
    .flatMap((entry) => entry.tables())
    .reduce((sum, { bytes }) => sum + align(bytes.length), 0);
}

/**
 * What is mapped in process `pid`, with what is there of ours. Throws TargetError if it runs
 * another build of a module.
 */
export function readContent(
  pid: number,
  mappings: readonly Mapping[],
  { bundle: { meta } }: ModuleNeeds,
  own: readonly OwnModule[],
): ModuleContent {
  const key = contentKey(mappings, own);
  const files = readModules(pid, mappings);
  const placed = [
    ...files.map((module) => place(module, openablePath(pid, module.file))),
    ...placeVdso(pid, mappings),
  ];
  const modules = placed.sort((a, b) => a.start - b.start);
  const named = meta.modules.map((name) => findModule(pid, files, name));
  const storages = named.map((module) =>
    module !== null && hasThreadStorage(module) ? threadStorage(pid, files, module) : NO_STORAGE,
  );
  const biases = named.map((module) => module?.loadBias ?? NOT_LOADED);
  return { key, modules, own, biases, storages };
}

/** Changes when files are mapped for execution, or unmapped, and with code of ours. */
export function contentKey(mappings: readonly Mapping[], own: readonly OwnModule[]): string {
  const files = mappings
    .filter(({ executable, inode }) => executable && inode !== 0)
    .map(({ start, device, inode }) => `${start} ${device} ${inode}`);
  return [...files, ...own.map(({ start, key }) => `${start} ${key}`)].join();
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
  const entries = entriesOf(content, needs);
  const head = new Uint8Array(MODULES.tables);
  const view = viewOf(head);
  view.setUint32(MODULES.biasCount, content.biases.length, true);
  view.setUint32(MODULES.counts, entries.length, true);
  view.setBigUint64(MODULES.biases, BigInt(address + FIXED_BYTES), true);
  const storages = address + FIXED_BYTES + BIAS_BYTES * content.biases.length;
  view.setBigUint64(MODULES.storages, BigInt(storages), true);
  const used = tablesStart(content);
  const empty = { address, bytes, used, version: 0, content, placed: new Map() };
  const { area, writes } = placeTables(empty, entries);
  return {
    area,
    writes: [
      { address, bytes: head },
      ...writes,
      { address: address + MODULES.tables, bytes: encodeModules(entries, area.placed) },
      { address: address + FIXED_BYTES, bytes: encodeReferences(content) },
    ],
  };
}

/** Finds room for the tables of modules that are new; one that does not fit is left out. */
function placeTables(area: ModuleArea, entries: readonly Entry[]): FilledArea {
  const placed = new Map(area.placed);
  const writes: MemoryWrite[] = [];
  let { used } = area;
  for (const entry of entries) {
    if (placed.has(entry.key)) continue;
    const tables = entry.tables().flatMap(({ field, bytes }): [number, number][] => {
      const address = area.address + used;
      if (used + bytes.length > area.bytes) return [];
      used += align(bytes.length);
      writes.push({ address, bytes });
      return [[field, address]];
    });
    placed.set(entry.key, tables);
  }
  return { area: { ...area, used, placed }, writes };
}

function encodeModules(entries: readonly Entry[], placed: PlacedTables): Uint8Array {
  const bytes = new Uint8Array(entries.length * MODULE.bytes);
  const view = viewOf(bytes);
  for (const [index, { key, start, end, loadBias, isOwn }] of entries.entries()) {
    const at = index * MODULE.bytes;
    view.setBigUint64(at + MODULE.start, BigInt(start), true);
    view.setBigUint64(at + MODULE.end, BigInt(end), true);
    view.setBigInt64(at + MODULE.loadBias, BigInt(loadBias), true);
    view.setUint32(at + MODULE.isOwn, isOwn ? 1 : 0, true);
    for (const [field, address] of placed.get(key) ?? []) {
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

/** What is known before an update. */
export interface ModuleUpdate {
  readonly area: ModuleArea;
  readonly needs: ModuleNeeds;
  readonly own: readonly OwnModule[];
}

/**
 * Writes down what is mapped in process `pid` now, with what is there of ours. Gives the area as it
 * is then; the same one if nothing has changed.
 */
export async function updateModules(
  tracer: Tracer,
  pid: number,
  { area, needs, own }: ModuleUpdate,
): Promise<ModuleArea> {
  const mappings = readMappings(pid);
  // A process that was forked may have an older table than its parent is known to have.
  const found = viewOf(readMemory(pid, area.address + MODULES.version, 4)).getUint32(0, true);
  if (found === area.version && contentKey(mappings, own) === area.content.key) return area;
  const content = readContent(pid, mappings, needs, own);
  const entries = entriesOf(content, needs);
  const version = (found + 1) >>> 0;
  const number = version & 1;
  const table = area.address + MODULES.tables + number * MODULES.capacity * MODULE.bytes;
  const next = placeTables(area, entries);
  await tracer.write(pid, [
    ...next.writes,
    { address: table, bytes: encodeModules(entries, next.area.placed) },
    { address: area.address + MODULES.counts + 4 * number, bytes: word(entries.length) },
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
