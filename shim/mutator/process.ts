/**
 * What /proc says of a process: state, identity, mappings, auxiliary vector, mapped files.
 *
 * Reads only; works on any process that may be traced. Source: proc(5), getauxval(3), vdso(7).
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { cString, type ElfImage, parseElf, SEGMENT, viewOf, word } from "../../base/elf/image.js";
import { once, remember } from "../../base/remember.js";
import { TargetError } from "../../base/target-error.js";
import {
  isWhole,
  livePath,
  loadBias,
  type MappedFile,
  type Mapping,
  mappedFiles,
  mappingAt,
  PAGE_BYTES,
  parseMaps,
} from "./maps.js";

/** Entries of the auxiliary vector that are used here (getauxval(3), elf.h). */
export const AUXILIARY = { programHeaders: 3, base: 7, entry: 9, vdso: 33 } as const;

/** A module of a process: a file with an executable mapping, at one place. */
export interface Module {
  readonly path: string;
  readonly image: ElfImage;
  readonly loadBias: number;
  readonly file: MappedFile;
}

/**
 * A thread of process `pid` whose entry in /proc shows the memory of the process: the first one, or
 * once that has ended, as by pthread_exit(3) in main, another.
 */
export function livingThread(pid: number): number {
  const isLiving = (tid: number): boolean => {
    try {
      return readlinkSync(`/proc/${tid}/exe`) !== "";
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT";
    }
  };
  return isLiving(pid) ? pid : (threadIds(pid).find(isLiving) ?? pid);
}

/** Value of `field` in /proc/PID/status without the white space around it; null if there is none. */
export function statusText(pid: number, field: string, tid: number = pid): string | null {
  const text = readProc(pid, tid === pid ? "status" : `task/${tid}/status`);
  return new RegExp(`^${field}:\\s*(.*?)\\s*$`, "m").exec(text ?? "")?.[1] ?? null;
}

/** Fields of /proc/PID/task/TID/status by name; null when the thread is gone. */
export function threadStatus(
  pid: number,
  tid: number,
): ((field: string) => string | undefined) | null {
  const text = readProc(pid, `task/${tid}/status`);
  if (text === null) return null;
  const fields = new Map(
    text.split("\n").map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  return (field) => fields.get(field);
}

/** True while there is such a process. */
export function exists(pid: number): boolean {
  return readProc(pid, "stat") !== null;
}

/** Ids of the threads of a process. */
export function threadIds(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Thread id as the process itself sees it: the one of its innermost pid namespace. */
export function innerTid(pid: number, tid: number): number {
  const ids = statusText(pid, "NSpid", tid)?.split(/\s+/) ?? [];
  return Number(ids.at(-1) ?? tid);
}

/** True if system calls of the process are filtered (seccomp(2)). */
export function hasSeccomp(pid: number): boolean {
  return (statusText(pid, "Seccomp") ?? "0") !== "0";
}

/** True if the process runs with shadow stacks. */
export function hasShadowStacks(pid: number): boolean {
  return /\bshstk\b/.test(statusText(pid, "x86_Thread_features") ?? "");
}

/** Path of the executable as the kernel names it, null if it cannot be known. */
export function executablePath(pid: number): string | null {
  try {
    return livePath(readlinkSync(`/proc/${livingThread(pid)}/exe`));
  } catch {
    return null;
  }
}

/** Arguments that the process was started with; none when it is gone or may not be looked at. */
export function commandLine(pid: number): string[] {
  return readProc(livingThread(pid), "cmdline")?.split("\0").slice(0, -1) ?? [];
}

/** Mappings of a process; empty when it is gone or may not be looked at. */
export function readMappings(pid: number): Mapping[] {
  const text = readProc(pid, "maps") || readProc(livingThread(pid), "maps");
  return parseMaps(text ?? "");
}

/** How many mappings a process may have (proc(5), vm.max_map_count). */
export const maxMappings: () => number = once(() =>
  Number(readFileSync("/proc/sys/vm/max_map_count", "utf8")),
);

/** Auxiliary vector as the kernel gave it. */
export function readAuxiliary(pid: number): ReadonlyMap<number, number> {
  const bytes = readBytes(`/proc/${livingThread(pid)}/auxv`) ?? new Uint8Array();
  const view = viewOf(bytes);
  const vector = new Map<number, number>();
  for (let at = 0; at + 16 <= bytes.length; at += 16)
    vector.set(word(view, at), word(view, at + 8));
  return vector;
}

/** Where the kernel put what a process was started with; addresses, all 0 if unknown. */
export interface StartArea {
  readonly argumentsStart: number;
  readonly argumentsEnd: number;
  readonly environmentStart: number;
  readonly environmentEnd: number;
}

/** Start area of a process: fields 48 to 51 of /proc/PID/stat (proc(5)). */
export function readStartArea(pid: number): StartArea {
  const stat = readProc(livingThread(pid), "stat") ?? "";
  // Field 2 is a name in parentheses, which may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return {
    argumentsStart: field(48),
    argumentsEnd: field(49),
    environmentStart: field(50),
    environmentEnd: field(51),
  };
}

/** Memory of a process, open for many reads. */
export interface ProcessMemory {
  /** `size` bytes at `address`. Throws TargetError where nothing is mapped. */
  read(address: number, size: number): Uint8Array;
  close(): void;
}

/** Opens the memory of a process. Throws TargetError if it may not be read. */
export function openMemory(pid: number): ProcessMemory {
  let file: number;
  try {
    file = openSync(`/proc/${livingThread(pid)}/mem`, "r");
  } catch (cause) {
    throw unreadable(pid, 0, cause);
  }
  const read = (address: number, size: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    try {
      for (let done = 0; done < size; ) {
        const got = readSync(file, bytes, done, size - done, address + done);
        if (got <= 0) throw unreadable(pid, address, undefined);
        done += got;
      }
    } catch (cause) {
      throw cause instanceof TargetError ? cause : unreadable(pid, address, cause);
    }
    return bytes;
  };
  return { read, close: () => closeSync(file) };
}

/** `memory` of a process that stands still: each page is read once. */
export function keepPages(memory: ProcessMemory): ProcessMemory {
  const pages = remember((start: number) => memory.read(start, PAGE_BYTES));
  const read = (address: number, size: number): Uint8Array => {
    const at = address % PAGE_BYTES;
    if (at + size > PAGE_BYTES) return memory.read(address, size);
    return pages(address - at).subarray(at, at + size);
  };
  return { read, close: () => memory.close() };
}

/** Reads `size` bytes of a process at `address`. Throws TargetError where nothing is mapped. */
export function readMemory(pid: number, address: number, size: number): Uint8Array {
  const memory = openMemory(pid);
  try {
    return memory.read(address, size);
  } finally {
    memory.close();
  }
}

function unreadable(pid: number, address: number, cause: unknown): TargetError {
  return new TargetError(
    `cannot read memory of process ${pid} at 0x${address.toString(16)}`,
    { operation: "read memory", subject: pid },
    { cause },
  );
}

/** Bytes of a mapped file: the very file that is mapped, even where it was replaced since. */
export function readMappedFile(pid: number, file: MappedFile): Uint8Array | null {
  const [first] = file.mappings;
  if (first === undefined) return null;
  const range = `${first.start.toString(16)}-${first.end.toString(16)}`;
  const folder = `/proc/${livingThread(pid)}`;
  const direct = readBytes(`${folder}/map_files/${range}`);
  if (direct !== null) return direct;
  if (file.path !== livePath(file.path)) return null;
  for (const path of [`${folder}/root${file.path}`, file.path]) {
    if (inodeOf(path) === file.inode) return readBytes(path);
  }
  return null;
}

/** Path by which this process can open the file that is mapped in another; null if there is none. */
export function openablePath(pid: number, file: MappedFile): string | null {
  const root = `/proc/${livingThread(pid)}/root`;
  const paths = [livePath(file.path), `${root}${livePath(file.path)}`];
  return paths.find((path) => inodeOf(path) === file.inode) ?? null;
}

/** When a mapped file was last changed, as far as its path tells. */
function changeOf({ path, inode }: MappedFile): string {
  try {
    const found = statSync(path);
    return found.ino === inode ? `${found.ctimeMs} ${found.size}` : "";
  } catch {
    return "";
  }
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    return -1;
  }
}

const images = new Map<string, ElfImage | null>();

/** Modules of a process: every mapped ELF file with executable mappings, once it is mapped whole. */
export function readModules(pid: number, mappings: readonly Mapping[]): Module[] {
  return mappedFiles(mappings).flatMap((file): Module[] => {
    if (!file.mappings.some((m) => m.executable)) return [];
    const image = imageOf(pid, file);
    const bias = image === null ? null : loadBias(image, file.mappings);
    return image === null || bias === null || !isWhole(image, file.mappings, bias)
      ? []
      : [{ path: file.path, image, loadBias: bias, file }];
  });
}

/** The dynamic loader of a process, or the program if it is static; null if that is not known. */
export function findLoader(pid: number, modules: readonly Module[]): Module | null {
  const auxiliary = readAuxiliary(pid);
  const address = auxiliary.get(AUXILIARY.base) || auxiliary.get(AUXILIARY.entry) || 0;
  const isIn = ({ file }: Module): boolean => mappingAt(file.mappings, address) !== null;
  return modules.find(isIn) ?? null;
}

/** The program of a process among its modules; null if that is not known. */
export function findProgram(pid: number, modules: readonly Module[]): Module | null {
  const entry = readAuxiliary(pid).get(AUXILIARY.entry) ?? 0;
  return modules.find(({ file }) => mappingAt(file.mappings, entry) !== null) ?? null;
}

/** The ELF image of a mapped file, read once per file and change of it. */
export function imageOf(pid: number, file: MappedFile): ElfImage | null {
  const key = `${file.device} ${file.inode} ${file.path} ${changeOf(file)}`;
  const known = images.get(key);
  if (known !== undefined) return known;
  const bytes = readMappedFile(pid, file);
  let image: ElfImage | null = null;
  try {
    if (bytes !== null) image = parseElf(bytes, livePath(file.path));
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
  }
  images.set(key, image);
  return image;
}

/** Address of `name` in the vDSO, 0 if there is none. */
export function vdsoSymbol(pid: number, name: string): number {
  const base = readAuxiliary(pid).get(AUXILIARY.vdso);
  const mapping = readMappings(pid).find((m) => m.path === "[vdso]");
  if (base === undefined || mapping === undefined) return 0;
  const bytes = readMemory(pid, mapping.start, mapping.end - mapping.start);
  const image = parseElf(bytes, "[vdso]");
  const low = image.segments.find((s) => s.type === SEGMENT.load)?.address ?? 0;
  return dynamicSymbol(image, low, name) + (base - low);
}

/** Looks `name` up in a loaded image by its dynamic section (gABI ch. 5), without sections. */
function dynamicSymbol(image: ElfImage, low: number, name: string): number {
  const dynamic = image.segments.find((s) => s.type === SEGMENT.dynamic);
  const view = viewOf(image.bytes);
  if (dynamic === undefined) return 0;
  const tags = new Map<number, number>();
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.memorySize; at += 16) {
    tags.set(word(view, at), word(view, at + 8));
  }
  const names = (tags.get(DT_STRTAB) ?? 0) - low;
  const symbols = (tags.get(DT_SYMTAB) ?? 0) - low;
  // The string table follows the symbols in every vDSO; a hash table gives no count otherwise.
  for (let at = symbols; at + SYMBOL_BYTES <= names; at += SYMBOL_BYTES) {
    if (cString(image.bytes, names + view.getUint32(at, true)) === name) return word(view, at + 8);
  }
  return 0;
}

const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const SYMBOL_BYTES = 24;

/**
 * Executable bytes of at least `size` that no code uses: behind the end of an executable segment
 * in its last page, of a module or of the vDSO. 0 if there are none.
 */
export function findSlack(pid: number, mappings: readonly Mapping[], size: number): number {
  for (const { image, loadBias: bias, file } of readModules(pid, mappings)) {
    for (const segment of image.segments) {
      if (segment.type !== SEGMENT.load || (segment.flags & 1) === 0) continue;
      if (segment.memorySize !== segment.fileSize) continue;
      const slack = slackBehind(bias + segment.address + segment.fileSize, file.mappings, size);
      if (slack !== 0) return slack;
    }
  }
  const vdso = mappings.find((m) => m.path === "[vdso]");
  if (vdso === undefined) return 0;
  const image = parseElf(readMemory(pid, vdso.start, vdso.end - vdso.start), "[vdso]");
  const load = image.segments.find((s) => s.type === SEGMENT.load);
  if (load === undefined) return 0;
  // Alternatives and section headers may lie behind the segment's bytes; take the far end.
  const used = Math.max(load.offset + load.fileSize, endOfSections(image));
  return slackBehind(vdso.start + used, [vdso], size);
}

function slackBehind(end: number, mappings: readonly Mapping[], size: number): number {
  const start = Math.ceil(end / SLACK_ALIGNMENT) * SLACK_ALIGNMENT;
  const room = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES - start;
  const inside = mappings.some((m) => m.executable && start >= m.start && start + size <= m.end);
  return inside && room >= size ? start : 0;
}

const SLACK_ALIGNMENT = 16;

function endOfSections(image: ElfImage): number {
  const view = viewOf(image.bytes);
  return word(view, 40) + view.getUint16(58, true) * view.getUint16(60, true);
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return null;
  }
}

function readBytes(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
