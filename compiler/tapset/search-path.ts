/**
 * Where the library is looked for (language.md §13): $SYSTEMTAP_TAPSET or the package's own
 * directory, then systemtap/tapset in each of $XDG_DATA_DIRS, then the directories of -I.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";

/** Tapset directories in search order; `extra` are those of -I. */
export function tapsetPath(
  extra: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const own = environment["SYSTEMTAP_TAPSET"] || join(PACKAGE_ROOT, "tapsets");
  const shared = (environment["XDG_DATA_DIRS"] ?? "")
    .split(":")
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, "systemtap", "tapset"))
    .filter((directory) => !isSystemTaps(directory));
  return [own, ...shared, ...extra];
}

/** True for SystemTap's library itself, which is written in C and which the own one stands for. */
function isSystemTaps(directory: string): boolean {
  return existsSync(join(directory, "linux"));
}
