/**
 * What is mapped in a process: /proc/PID/maps, the modules in it, free address ranges.
 *
 * Pure over the text of maps(5); addresses are those of the process. Source: proc(5), System V gABI
 * ch. 5 (program headers and load bias).
 */
import { type ElfImage, SEGMENT } from "../../base/elf/image.js";

/** One line of /proc/PID/maps. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly shared: boolean;
  /** Offset in the file. */
  readonly offset: number;
  /** MAJOR:MINOR in hex. */
  readonly device: string;
  /** 0 = no file. */
  readonly inode: number;
  /** Path, `[heap]` and the like, or "". */
  readonly path: string;
}

/** A file as it is mapped at one place, with its mappings in ascending order. */
export interface MappedFile {
  readonly path: string;
  readonly device: string;
  readonly inode: number;
  readonly mappings: readonly Mapping[];
}

/** Unit of mappings on x86-64. */
export const PAGE_BYTES = 4096;
/** End of user space with four-level page tables, less the last page. */
const TOP = 0x7fff_ffff_f000;
/** vm.mmap_min_addr as Linux sets it. */
const BOTTOM = 0x1_0000;
/** Room left free below a stack, which grows down, and above the heap, which grows up. */
const STACK_ROOM = 0x1000_0000;
const HEAP_ROOM = 0x4000_0000;

const LINE = /^([0-9a-f]+)-([0-9a-f]+) ([-r])([-w])([-x])([-ps]) ([0-9a-f]+) (\S+) (\d+) *(.*)$/;

/** Mappings in the order of `text`, which is ascending. */
export function parseMaps(text: string): Mapping[] {
  return text.split("\n").flatMap((line): Mapping[] => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const [, start, end, r, w, x, s, offset, device, inode, path] = match;
    return [
      {
        start: Number.parseInt(start ?? "", 16),
        end: Number.parseInt(end ?? "", 16),
        readable: r === "r",
        writable: w === "w",
        executable: x === "x",
        shared: s === "s",
        offset: Number.parseInt(offset ?? "", 16),
        device: device ?? "",
        inode: Number(inode),
        path: unescapePath(path ?? ""),
      },
    ];
  });
}

/**
 * Files that are mapped, by device and inode. A file that is loaded more than once (dlmopen(3))
 * comes as often: offsets grow with the addresses of one place.
 */
export function mappedFiles(mappings: readonly Mapping[]): MappedFile[] {
  const files: Mapping[][] = [];
  const last = new Map<string, Mapping[]>();
  for (const mapping of mappings) {
    if (mapping.inode === 0) continue;
    const key = `${mapping.device} ${mapping.inode}`;
    const list = last.get(key);
    if (list !== undefined && mapping.offset >= (list.at(-1)?.offset ?? 0)) list.push(mapping);
    else {
      const fresh = [mapping];
      last.set(key, fresh);
      files.push(fresh);
    }
  }
  return files.map((list) => ({
    path: list[0]?.path ?? "",
    device: list[0]?.device ?? "",
    inode: list[0]?.inode ?? 0,
    mappings: list,
  }));
}

/** Path without the mark of a file that was unlinked after it was mapped. */
export function livePath(path: string): string {
  return path.replace(/ \(deleted\)$/, "");
}

/**
 * What to add to ELF addresses of `image` to get addresses in the process, for a file mapped by the
 * loader; null if no mapping belongs to a loaded segment.
 */
export function loadBias(image: ElfImage, mappings: readonly Mapping[]): number | null {
  for (const mapping of mappings) {
    for (const segment of image.segments) {
      if (segment.type !== SEGMENT.load) continue;
      const first = segment.offset - (segment.offset % PAGE_BYTES);
      if (mapping.offset < first || mapping.offset >= segment.offset + segment.fileSize) continue;
      if (mapping.executable !== ((segment.flags & 1) !== 0)) continue;
      return mapping.start - (segment.address - segment.offset + mapping.offset);
    }
  }
  return null;
}

/** True if all that `image` loads from its file is mapped there at `bias`: it may be on its way. */
export function isWhole(image: ElfImage, mappings: readonly Mapping[], bias: number): boolean {
  return image.segments.every(({ type, fileSize, flags, address, offset }) => {
    if (type !== SEGMENT.load || fileSize === 0) return true;
    const mapping = mappingAt(mappings, address + bias);
    if (mapping === null || ((flags & 1) !== 0 && !mapping.executable)) return false;
    return mapping.offset - mapping.start === offset - (address + bias);
  });
}

/** True if what `mapping` says is still so, but for what follows it. */
export function isMapped(mapping: Mapping, mappings: readonly Mapping[]): boolean {
  const { start, offset, device, inode } = mapping;
  return mappings.some(
    (m) => m.start === start && m.offset === offset && m.inode === inode && m.device === device,
  );
}

/** The mapping that contains `address`. */
export function mappingAt(mappings: readonly Mapping[], address: number): Mapping | null {
  return mappings.find((m) => address >= m.start && address < m.end) ?? null;
}

/**
 * A free range of `bytes` that starts in [lowest, highest], as near below or above `near` as there
 * is one, away from where stack and heap grow; null if there is none.
 */
export function findGap(
  mappings: readonly Mapping[],
  bytes: number,
  { lowest, highest, near }: { lowest: number; highest: number; near: number },
): number | null {
  const size = roundUp(bytes);
  let best: number | null = null;
  for (const [start, end] of gaps(mappings)) {
    const first = Math.max(start, roundUp(lowest));
    const last = Math.min(end - size, highest - (highest % PAGE_BYTES));
    if (first > last) continue;
    const start0 = Math.min(Math.max(roundUp(near), first), last);
    if (best === null || Math.abs(start0 - near) < Math.abs(best - near)) best = start0;
  }
  return best;
}

/** Free ranges [start, end), without the room for heap and stack to grow. */
function gaps(mappings: readonly Mapping[]): [number, number][] {
  const found: [number, number][] = [];
  let free = BOTTOM;
  for (const mapping of mappings) {
    const room = mapping.path.startsWith("[stack") ? STACK_ROOM : 0;
    // Kernels show a page above user space, [vsyscall].
    const end = Math.min(mapping.start - room - PAGE_BYTES, TOP);
    if (end > free) found.push([free, end]);
    const growth = mapping.path === "[heap]" ? HEAP_ROOM : PAGE_BYTES;
    free = Math.max(free, mapping.end + growth);
  }
  if (free < TOP) found.push([free, TOP]);
  return found;
}

/** Next multiple of the page size. */
export function roundUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** proc(5): newlines in paths are written as \012. */
function unescapePath(path: string): string {
  if (!path.includes("\\")) return path;
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
