/**
 * Which processes a point means that is about processes as a whole, not about places in their code
 * (language.md §14.2): a program by path, a process by id, or the target. A program that does not
 * exist yet is none that could not be started later, so its path is taken as written.
 */
import { resolve } from "node:path";
import { isPattern } from "../elf/glob.js";
import { withoutSysroot } from "../elf/sysroot.js";
import type { ProbePoint } from "../syntax/ast.js";
import { hasComponent, numberArgument, stringArgument, withArguments } from "./point.js";
import { processPaths } from "./process-path.js";
import { ResolutionError } from "./report.js";
import type { FamilyContext } from "./site.js";

/** Roots of the points about whole processes. */
export const PROCESS_ROOTS: readonly string[] = ["process", "process(string)", "process(number)"];

/** A kind of process, and the point with its path in the place of what was written. */
export interface ProcessTarget {
  readonly point: ProbePoint;
  /** Executable, null = the target or the process `pid`. */
  readonly path: string | null;
  /** 0 = any. */
  readonly pid: number;
}

/** The processes that `point` is about. */
export function processTargets(point: ProbePoint, context: FamilyContext): ProcessTarget[] {
  const pid = numberArgument(point, "process");
  if (pid !== null) return [{ point, path: null, pid: existingProcess(pid) }];
  const spec = stringArgument(point, "process");
  if (spec === null && hasComponent(point, "process")) return [targetOf(point, context)];
  const found = isPattern(spec ?? "") ? processPaths(point, context) : [pathOf(point, context)];
  const { sysroot } = context.search;
  const paths =
    found.length === 0 ? [spec ?? ""] : found.map((file) => withoutSysroot(file, sysroot));
  return paths.map((path) => ({
    point: withArguments(point, { process: path }),
    path: resolve(context.search.directory, path),
    pid: 0,
  }));
}

/** A target still unknown when compiling (a bundle) is the one of the session. */
function targetOf(point: ProbePoint, context: FamilyContext): ProcessTarget {
  const path = context.context.options.targetPath;
  const named = path === null ? point : withArguments(point, { process: path });
  return { point: named, path: null, pid: 0 };
}

function pathOf(point: ProbePoint, context: FamilyContext): string {
  try {
    return processPaths(point, context)[0] ?? "";
  } catch (error) {
    if (error instanceof ResolutionError && error.reason.code === "no-executable") {
      return stringArgument(point, "process") ?? "";
    }
    throw error;
  }
}

/** Largest process id (proc(5), pid_max). */
const MAX_PID = 4_194_304n;

function existingProcess(pid: bigint): number {
  if (pid < 1n) throw new ResolutionError("bad-pid", `cannot probe pid ${pid}: Invalid pid`);
  if (pid > MAX_PID || !exists(Number(pid))) {
    throw new ResolutionError("bad-pid", `cannot probe pid ${pid}: No such process`);
  }
  return Number(pid);
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
