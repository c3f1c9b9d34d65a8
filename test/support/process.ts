/** What tests look at in a running process. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { parseElf, SEGMENT } from "../../base/elf/image.js";
import { readMarks } from "../../base/elf/marks.js";

/** Executable file mappings of `pid`: `path start end`, in order. */
export function executableMappings(pid: number): { path: string; start: bigint; end: bigint }[] {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  return lines.flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) r-x. \S+ \S+ \S+ +(\/.*)$/.exec(line);
    if (match === null) return [];
    const [, start = "", end = "", path = ""] = match;
    return [{ path, start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
  });
}

/** Bytes of every executable file mapping of `pid`, by path and start address. */
export function codeOf(pid: number): Map<string, Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    return new Map(
      executableMappings(pid).map(({ path, start, end }) => {
        const bytes = Buffer.alloc(Number(end - start));
        readSync(memory, bytes, 0, bytes.length, start);
        return [`${path}@${start.toString(16)}`, bytes];
      }),
    );
  } finally {
    closeSync(memory);
  }
}

/** Text of /proc/PID/maps without what a running program changes by itself (heap, stacks). */
export function mappingNames(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").trimEnd().split("\n");
  return lines.map((line) => line.replace(/^\S+ (\S+) .*?(\S*)$/, "$1 $2")).sort();
}

/** Number in field `name` of /proc/PID/status. */
export function statusField(pid: number, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(
    readFileSync(`/proc/${pid}/status`, "utf8"),
  );
  return Number(match?.[1]);
}

/** Load bias of the module at `path` in `pid`: lowest mapping less the lowest ELF address. */
function loadBias(pid: number, path: string): bigint {
  const image = parseElf(readFileSync(path), path);
  const lowest = Math.min(
    ...image.segments.filter((s) => s.type === SEGMENT.load).map((s) => s.address),
  );
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  const first = lines.find((line) => line.endsWith(` ${path}`)) ?? "";
  return BigInt(`0x${first.split("-")[0]}`) - BigInt(lowest - (lowest % 4096));
}

/** Values of the semaphores of mark `name` of the module at `path` in `pid`. */
export function semaphores(pid: number, path: string, name: string): number[] {
  const notes = readMarks(parseElf(readFileSync(path), path));
  const addresses = new Set(notes.filter((note) => note.name === name).map((n) => n.semaphore));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    return [...addresses].map((address) => {
      const bytes = Buffer.alloc(2);
      readSync(memory, bytes, 0, 2, BigInt(address) + loadBias(pid, path));
      return bytes.readUInt16LE();
    });
  } finally {
    closeSync(memory);
  }
}
