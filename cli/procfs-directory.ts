/**
 * The directory of a session's control files: /var/tmp/wastap-USER/NAME. In it a FIFO that the
 * session holds open tells others that it lives, whatever their pid namespace; directories of
 * sessions that were killed are removed by the next one.
 */
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { makeFifo } from "../base/special-files.js";
import { TargetError } from "../base/target-error.js";

/** The FIFO that is open for reading while the session lives. */
const ALIVE = ".alive";
const DIRECTORY_MODE = 0o755;

/** A directory that is there as long as the session. */
export interface ProcfsDirectory {
  readonly path: string;
  /** Removes it with all that is in it. */
  close(): void;
}

/** Makes the directory of the session called `name` in `parent`'s directory of this user. */
export function openProcfsDirectory(parent: string, name: string): ProcfsDirectory {
  const base = join(parent, `wastap-${userName()}`);
  const path = join(base, name);
  try {
    mkdirSync(base, { recursive: true, mode: DIRECTORY_MODE });
    if (!isOwn(base)) throw new Error("it is not your own, or others can write to it");
    removeDead(base);
    return makeDirectory(base, name);
  } catch (cause) {
    if (cause instanceof TargetError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw failure(`cannot make control files in ${path}: ${reason}`, path, cause);
  }
}

/** Complete, it gets its name, which only one session can have. */
function makeDirectory(base: string, name: string): ProcfsDirectory {
  const path = join(base, name);
  const unfinished = join(base, `.${name}.${process.pid}`);
  mkdirSync(unfinished, { mode: DIRECTORY_MODE });
  let alive = -1;
  try {
    makeFifo(join(unfinished, ALIVE), 0o600);
    alive = openSync(join(unfinished, ALIVE), constants.O_RDONLY | constants.O_NONBLOCK);
    renameSync(unfinished, path);
  } catch (cause) {
    if (alive >= 0) closeSync(alive);
    rmSync(unfinished, { recursive: true, force: true });
    if (!["ENOTEMPTY", "EEXIST"].includes(codeOf(cause))) throw cause;
    const message = `a session called "${name}" runs already: give this one another name with -m`;
    throw failure(message, path, cause);
  }
  return {
    path,
    close: () => {
      rmSync(path, { recursive: true, force: true });
      closeSync(alive);
    },
  };
}

function removeDead(base: string): void {
  for (const name of readdirSync(base)) {
    const path = join(base, name);
    if (name.startsWith(".") ? isAbandoned(name) : isDead(path)) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Of a process that ended before the directory had its name. */
function isAbandoned(name: string): boolean {
  const pid = name.slice(name.lastIndexOf(".") + 1);
  return !existsSync(`/proc/${pid}`);
}

/** Nobody holds the FIFO open (fifo(7)). */
function isDead(path: string): boolean {
  try {
    closeSync(openSync(join(path, ALIVE), constants.O_WRONLY | constants.O_NONBLOCK));
    return false;
  } catch (error) {
    return ["ENXIO", "ENOENT"].includes(codeOf(error));
  }
}

function isOwn(path: string): boolean {
  const state = lstatSync(path);
  return state.isDirectory() && state.uid === process.geteuid?.() && (state.mode & 0o022) === 0;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.());
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

function failure(message: string, path: string, cause: unknown): TargetError {
  return new TargetError(message, { operation: "make control files", subject: path }, { cause });
}
