/** What a pass took, in the words of stap -v: memory from /proc/self/statm (proc(5)), and times. */
import { readFileSync } from "node:fs";

/** Size of a page of x86-64, in kilobytes. */
const PAGE_KILOBYTES = 4;

/** Measures from its creation, then from one reading to the next. */
export interface UsageMeter {
  /** `using Avirt/Bres/Cshr/Ddata kb, in Xusr/Ysys/Zreal ms.` */
  read(): string;
}

/** A meter that starts now. */
export function startUsageMeter(): UsageMeter {
  let before = now();
  return {
    read: () => {
      const after = now();
      const [user, system, real] = after.map((value, i) => Math.round(value - (before[i] ?? 0)));
      before = after;
      return `using ${memory()}, in ${user}usr/${system}sys/${real}real ms.`;
    },
  };
}

/** Milliseconds of the processor for the program, in the kernel, and of the clock. */
function now(): readonly number[] {
  const { user, system } = process.cpuUsage();
  return [user / 1000, system / 1000, performance.now()];
}

function memory(): string {
  const pages = readFileSync("/proc/self/statm", "utf8").split(" ").map(Number);
  const [size = 0, resident = 0, shared = 0, , , data = 0] = pages.map((n) => n * PAGE_KILOBYTES);
  return `${size}virt/${resident}res/${shared}shr/${data}data kb`;
}
