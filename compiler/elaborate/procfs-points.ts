/**
 * procfs("PATH").read and .write: files through which a session is asked and told things while it
 * runs (language.md §14.1). `$value` is what the reader of the file gets or what was written to it.
 */
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { checkPlain } from "./plain-target.js";
import { findComponent, hasComponent, numberArgument, stringArgument } from "./point.js";
import { type Reporter, ResolutionError } from "./report.js";
import { unresolvedVar } from "./session-points.js";
import type { FamilyTable, Site, TargetScope, TargetValue } from "./site.js";

/** Bits of a umask (umask(2)). */
const PERMISSIONS = 0o777n;
/** File of a point that names none. */
const DEFAULT_PATH = "command";

/** The families of control files. */
export const PROCFS_FAMILIES: FamilyTable = ["procfs", "procfs(string)"].flatMap((root) =>
  ["", ".umask(number)"].flatMap((umask) =>
    [".read", ".read.maxsize(number)", ".write"].map((access): FamilyTable[number] => [
      root + umask + access,
      (point) => [procfsSite(point)],
    ]),
  ),
);

function procfsSite(point: ProbePoint): Site {
  const path = stringArgument(point, "procfs") ?? DEFAULT_PATH;
  checkPath(path, point);
  const isWrite = hasComponent(point, "write");
  const umask = numberArgument(point, "umask");
  const size = numberArgument(point, "maxsize");
  if (size !== null && size < 1n) {
    throw new ResolutionError("procfs-size", "maxsize must be greater than 0");
  }
  return {
    point,
    type: "procfs",
    place: {
      kind: "procfs",
      path,
      access: isWrite ? "write" : "read",
      umask: umask === null ? null : Number(umask & PERMISSIONS),
      bytes: size === null ? null : Number(size),
    },
    isReturn: false,
    targets: isWrite ? WRITE_TARGETS : READ_TARGETS,
    condition: null,
  };
}

function checkPath(path: string, point: ProbePoint): void {
  const parts = path.split("/");
  const problem = path.startsWith("/")
    ? "procfs path cannot start with a '/'"
    : path === "" || path.endsWith("/")
      ? "procfs path cannot end with a '/'"
      : parts.includes("")
        ? "procfs path component cannot be empty"
        : parts.includes(".") || parts.includes("..")
          ? "procfs path cannot be relative (and contain '.' or '..')"
          : null;
  if (problem === null) return;
  throw new ResolutionError("procfs-path", problem, findComponent(point, "procfs"));
}

/** Reports files with two probes that give what is read. */
export function checkProcfsPaths(sites: readonly Site[], report: Reporter): void {
  const seen = new Set<string>();
  for (const { type, point } of sites) {
    if (type !== "procfs" || hasComponent(point, "write")) continue;
    const path = stringArgument(point, "procfs") ?? DEFAULT_PATH;
    if (seen.has(path)) {
      const message = `only one read procfs probe can exist for procfs path "${path}"`;
      report.error({ code: "duplicate-procfs", message, node: null });
    }
    seen.add(path);
  }
}

const READ_TARGETS: TargetScope = {
  resolve: (symbol, use) =>
    use === "write"
      ? resolveValue(symbol, true)
      : refuse(symbol, "cannot be read in a procfs read probe"),
};
const WRITE_TARGETS: TargetScope = {
  resolve: (symbol, use) =>
    use === "write"
      ? refuse(symbol, "is read-only in a procfs write probe")
      : resolveValue(symbol, false),
};

function refuse(symbol: TargetSymbol, why: string): never {
  resolveValue(symbol, false);
  const message = `procfs $value variable ${why}`;
  throw new ResolutionError("procfs-value", message, symbol);
}

function resolveValue(symbol: TargetSymbol, isWritable: boolean): TargetValue {
  if (symbol.atVar) throw unresolvedVar(symbol);
  if (symbol.name !== "$value") {
    const message = "invalid target symbol for procfs probe, $value expected";
    throw new ResolutionError("unresolved-target", message, symbol);
  }
  checkPlain(symbol, "procfs");
  return { type: "string", location: { kind: "procfs" }, isWritable };
}
