/** Where the package's own files are. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Directory that holds package.json, whether this file runs from dist/ or elsewhere. */
export const PACKAGE_ROOT: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Directory of the prebuilt binaries for this machine, e.g. prebuilds/linux-x64. */
export const PREBUILDS: string = join(
  PACKAGE_ROOT,
  "prebuilds",
  `${process.platform}-${process.arch}`,
);

function findRoot(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  return findRoot(dirname(directory));
}
