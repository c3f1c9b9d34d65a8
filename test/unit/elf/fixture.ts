/** Builds fixture.c once; the tests that need it are skipped where there is no compiler. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { hasProgram } from "../../support/tools.js";

/** Path of the compiled fixture, null without gcc. */
export function buildFixture(): string | null {
  if (!hasProgram("gcc")) {
    process.stdout.write("skipped: no C compiler (gcc)\n");
    return null;
  }
  const directory = join(PACKAGE_ROOT, "build", "programs");
  mkdirSync(directory, { recursive: true });
  const source = join(PACKAGE_ROOT, "test", "unit", "elf", "fixture.c");
  const target = join(directory, "elf-fixture");
  if (existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs) return target;
  const args = ["-O1", "-Wl,--build-id=0xc0ffee", "-rdynamic", "-o", target, source];
  const { status, stderr } = spawnSync("gcc", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`gcc ${args.join(" ")}: ${stderr}`);
  return target;
}
