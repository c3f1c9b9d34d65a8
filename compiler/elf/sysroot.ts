/**
 * Files of another system's root directory (stap(1) --sysroot). Scripts, listings and bundles name
 * a path as that system does; the file is the same path below the root.
 */
import { readlinkSync, realpathSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";

/** How many links a path may lead through (path_resolution(7)). */
const MOST_LINKS = 40;

interface Place {
  readonly sysroot: string;
  readonly directory: string;
}

/**
 * File on this machine that `path` means: an absolute one is below the root, another one below the
 * current directory; null if that is not below the root.
 */
export function below(path: string, { sysroot, directory }: Place): string | null {
  if (sysroot === "") return resolve(directory, path);
  if (path.startsWith("/")) return join(sysroot, normalize(path));
  const file = resolve(directory, path);
  return file.startsWith(`${sysroot}/`) ? file : null;
}

/** `file` without the root: how the other system names it. */
export function withoutSysroot(file: string, sysroot: string): string {
  return sysroot !== "" && file.startsWith(`${sysroot}/`) ? file.slice(sysroot.length) : file;
}

/** `file` with links resolved, absolute ones from the root on; as it is where nothing is. */
export function realPath(file: string, sysroot: string): string {
  if (sysroot === "") return realpathOf(file);
  let done = sysroot;
  let links = 0;
  const parts = withoutSysroot(file, sysroot).split("/").filter(isName);
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (part === "..") {
      done = done === sysroot ? done : dirname(done);
      continue;
    }
    const link = linkAt(join(done, part));
    if (link === null || ++links > MOST_LINKS) done = join(done, part);
    else {
      if (link.startsWith("/")) done = sysroot;
      parts.unshift(...link.split("/").filter(isName));
    }
  }
  return done;
}

function isName(part: string): boolean {
  return part !== "" && part !== ".";
}

function realpathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
