/** The package where every user can reach it; a checkout may lie in a home directory that is closed. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";
import { buildProgram } from "./tools.js";

/** uid and gid of nobody and nogroup in Debian. */
export const NOBODY = 65534;

/** The package as an installation that everybody can read, and a test program called `name` beside it. */
export function install(name: string): { main: string; program: string } {
  const directory = mkdtempSync(join(tmpdir(), "wastap-install-"));
  chmodSync(directory, 0o755);
  for (const part of [join("dist", "bundle"), "prebuilds", "tapsets", "package.json"]) {
    cpSync(join(PACKAGE_ROOT, part), join(directory, part), { recursive: true });
  }
  const program = join(directory, name);
  cpSync(buildProgram(name), program);
  chmodSync(program, 0o755);
  return { main: join(directory, "dist", "bundle", "wastap.cjs"), program };
}

/** Why nobody, whom only root can become, cannot run the tests of this checkout; null if they can. */
export function cannotBeNobody(): string | null {
  if (process.getuid?.() !== 0) return "not root, cannot become nobody";
  const file = join(PACKAGE_ROOT, "package.json");
  const { status } = spawnSync("test", ["-r", file], { uid: NOBODY, gid: NOBODY });
  return status === 0 ? null : `other users cannot read ${PACKAGE_ROOT}`;
}
