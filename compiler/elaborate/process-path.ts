/**
 * The `process`, `process("PATH")`, `process(PID)` and `.library("PATH")` parts of a point: which
 * files they mean (language.md §14.2).
 */
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { TargetError } from "../../base/target-error.js";
import { findExecutables, findLibraries, isBuildId, type SearchContext } from "../elf/find.js";
import { isPattern, wildcard } from "../elf/glob.js";
import { type Module, neededLibraries, openModule } from "../elf/read.js";
import { withoutSysroot } from "../elf/sysroot.js";
import type { ProbePoint } from "../syntax/ast.js";
import { findComponent, numberArgument, stringArgument, withArguments } from "./point.js";
import { ResolutionError } from "./report.js";
import type { FamilyContext } from "./site.js";

/** A file to probe, and the point with its path in the place of what was written. */
export interface ProcessModule {
  readonly module: Module;
  readonly point: ProbePoint;
  /** Process that it is about, 0 = all that have the module. */
  readonly pid: number;
}

/** Source text of the condition that restricts it to its process, null if it has none. */
export function processCondition({ pid }: ProcessModule): string | null {
  return pid === 0 ? null : `pid() == ${pid}`;
}

/** Absolute paths, on this machine, of the executables that the process component of `point` means. */
export function processPaths(point: ProbePoint, context: FamilyContext): readonly string[] {
  const spec = stringArgument(point, "process");
  const pid = numberArgument(point, "process");
  if (pid !== null) {
    const path = pathOfProcess(pid);
    context.search.onSearch?.({ kind: "process", name: `${pid}`, searchPath: [], found: [path] });
    return [path];
  }
  if (spec === null) {
    const target = context.context.options.targetPath;
    if (target !== null) return [target];
    throw new ResolutionError(
      "unspecified-process",
      "unspecified process probe is invalid without a -c COMMAND or -x PID [man stapprobes]",
    );
  }
  if (spec === "") throw new ResolutionError("empty-module", "empty module");
  const paths = findExecutables(spec, context.search);
  if (paths.length > 0 || isPattern(spec)) return paths;
  const built = isBuildId(spec) ? builtInTarget(spec, context) : [];
  if (built.length > 0) return built;
  const hint = isBuildId(spec) ? BUILD_ID_HINT : "";
  throw new ResolutionError(
    "no-executable",
    `cannot find executable '${spec}'${hint}`,
    findComponent(point, "process"),
  );
}

const BUILD_ID_HINT =
  " (it is no link below /usr/lib/debug/.build-id, nor the target of -c or -x or one of its libraries)";

/** The target, or the library that it needs, with this build-id. */
function builtInTarget(buildId: string, { context, search }: FamilyContext): string[] {
  const target = context.options.targetPath;
  const program = target === null ? null : open(target, true, search);
  if (program === null) return [];
  const libraries = neededLibraries(program, search).flatMap(
    ({ path }) => open(path, true, search) ?? [],
  );
  return [program, ...libraries]
    .filter(({ image }) => image.buildId === buildId)
    .map(({ file }) => file);
}

/** The files that `point` probes, libraries applied; files of a glob that are no ELF are skipped. */
export function processModules(point: ProbePoint, context: FamilyContext): ProcessModule[] {
  const pid = Number(numberArgument(point, "process") ?? 0n);
  const spec = stringArgument(point, "process") ?? "";
  const modules: ProcessModule[] = [];
  const paths = processPaths(point, context);
  // As SystemTap, with the number of glob(3).
  if (paths.length === 0) throw new ResolutionError("no-executable", `glob ${spec} error (3)`);
  for (const path of paths) {
    const executable = open(path, isPattern(spec) && paths.length > 1, context.search);
    if (executable === null) continue;
    const placed = withArguments(point, { process: executable.path });
    for (const [module, resolved] of withLibraries(placed, executable, context)) {
      modules.push({ module, point: resolved, pid });
    }
  }
  return modules;
}

function pathOfProcess(pid: bigint): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
  } catch {
    throw new ResolutionError("no-process", `cannot find the executable of process ${pid}`);
  }
}

function open(file: string, skipErrors: boolean, search: SearchContext): Module | null {
  try {
    return openModule(file, search.sysroot);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    if (skipErrors) return null;
    throw new ResolutionError("unreadable-module", error.message);
  }
}

function withLibraries(
  point: ProbePoint,
  executable: Module,
  context: FamilyContext,
): [Module, ProbePoint][] {
  const name = stringArgument(point, "library");
  if (name === null) return [[executable, point]];
  const paths = libraryPaths(name, executable, point, context);
  if (paths.length === 0 && !isPattern(name)) {
    throw new ResolutionError(
      "no-library",
      `cannot find library '${name}' for '${executable.path}'`,
      findComponent(point, "library"),
    );
  }
  return paths.flatMap((path): [Module, ProbePoint][] => {
    const library = open(path, isPattern(name), context.search);
    if (library === null) return [];
    const resolved = isPattern(name) ? withArguments(point, { library: library.path }) : point;
    return [[library, resolved]];
  });
}

function libraryPaths(
  name: string,
  executable: Module,
  point: ProbePoint,
  context: FamilyContext,
): string[] {
  const needed = neededLibraries(executable, context.search);
  const expression = isPattern(name) ? wildcard(name) : null;
  const shown = (path: string): string => withoutSysroot(path, context.search.sysroot);
  const matches = (text: string): boolean => (expression ? expression.test(text) : text === name);
  const found = needed
    .filter((l) => matches(l.name) || matches(shown(l.path)) || matches(basename(l.path)))
    .map((l) => l.path);
  if (found.length > 0) return found;
  const other = findLibraries(name, executable.dynamic.searchPath, context.search);
  if (other.length > 0 && !other.some((path) => needed.some((l) => l.path === path))) {
    context.report.warn({
      code: "library-not-needed",
      message: `'${executable.path}' does not link to library '${name}'`,
      node: findComponent(point, "library"),
    });
  }
  return other;
}
