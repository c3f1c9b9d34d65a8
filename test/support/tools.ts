/** What end-to-end tests start: wastap itself, C programs, Debian's programs. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";

/** Command line of wastap as a user starts it from a checkout. */
export const WASTAP: string = join(PACKAGE_ROOT, "dist", "bundle", "wastap.cjs");

/** Keeps the cache and the options file of tests apart from the user's. */
const OWN_DIRECTORY = {
  WASTAP_DIR: join(PACKAGE_ROOT, "build", "wastap"),
  SYSTEMTAP_DIR: "/nowhere",
};

/** What a finished command left behind. */
export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of `wastap` and `startWastap`. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly uid?: number;
  readonly timeoutMs?: number;
}

/** Runs wastap to its end and to that of what it started (default deadline 60 s: then it throws). */
export function wastap(args: readonly string[], options: RunOptions = {}): Finished {
  const result = spawnSync(process.execPath, [WASTAP, ...args], {
    encoding: "utf8",
    cwd: options.cwd ?? PACKAGE_ROOT,
    env: { ...process.env, ...OWN_DIRECTORY, ...options.env },
    input: options.input ?? "",
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
    maxBuffer: 1 << 28,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const { status, signal, stdout, stderr, error } = result;
  if (error !== undefined) throw new Error(`${error.message}; so far: ${stdout}${stderr}`);
  return { status, signal, stdout, stderr };
}

/** A running program whose output is collected. */
export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  /** Resolves once `pattern` is found in the output (or, with `errors`, on standard error). */
  until(pattern: RegExp, where?: "output" | "errors"): Promise<string>;
  finished(): Promise<Finished>;
}

/** Starts `file`; every wait on it has a deadline of `deadlineMs`. */
export function start(
  file: string,
  args: readonly string[],
  options: RunOptions & { readonly deadlineMs?: number } = {},
): Running {
  const deadlineMs = options.deadlineMs ?? 60_000;
  const child = spawn(file, args, {
    cwd: options.cwd ?? PACKAGE_ROOT,
    env: { ...process.env, ...OWN_DIRECTORY, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<Finished>((resolve) => {
    child.on("close", (status, signal) =>
      resolve({ status, signal, stdout: output, stderr: errors }),
    );
  });
  const within = <T>(promise: Promise<T>, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${file}: no ${what} in ${deadlineMs} ms\n${output}\n${errors}`)),
        deadlineMs,
      );
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  const until = (pattern: RegExp, where: "output" | "errors" = "output"): Promise<string> => {
    const stream = where === "output" ? child.stdout : child.stderr;
    const text = (): string => (where === "output" ? output : errors);
    const found = new Promise<string>((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text());
        if (match !== null) resolve(match[0]);
      };
      stream.on("data", look);
      child.on("close", () => {
        look();
        reject(new Error(`${file} ended without ${pattern}\n${output}\n${errors}`));
      });
      look();
    });
    return within(found, String(pattern));
  };
  return {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    errors: () => errors,
    until,
    finished: () => within(ended, "end"),
  };
}

/** Starts wastap. */
export function startWastap(args: readonly string[], options: RunOptions = {}): Running {
  return start(process.execPath, [WASTAP, ...args], options);
}

/** True if program `name` is on the PATH or is a path that exists. */
export function hasProgram(name: string): boolean {
  if (name.includes("/")) return existsSync(name);
  return spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
}

/**
 * Path of test/programs/`name`.c compiled with `compiler` and `flags`; built again when the source is newer.
 * Throws with the compiler's messages if it fails.
 */
export function buildProgram(
  name: string,
  flags: readonly string[] = [],
  compiler: string = "gcc",
  extension: string = "c",
): string {
  const directory = join(PACKAGE_ROOT, "build", "programs");
  mkdirSync(directory, { recursive: true });
  const source = join(PACKAGE_ROOT, "test", "programs", `${name}.${extension}`);
  const suffix = [compiler, extension, ...flags].join("").replaceAll(/[^A-Za-z0-9]/g, "_");
  const target = join(directory, `${name}-${suffix}`);
  const isCurrent = (): boolean =>
    existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs;
  if (isCurrent()) return target;
  // Another test file may be making it, or running it already.
  const made = `${target}.${process.pid}`;
  const args = ["-O2", "-pthread", ...flags, "-o", made, source];
  const result = spawnSync(compiler, args, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${compiler} ${args.join(" ")}: ${result.stderr}`);
  if (isCurrent()) rmSync(made);
  else renameSync(made, target);
  return target;
}

/**
 * Why this machine does not count events of programs (perf_event_open(2)), in the kernel too if
 * `scope` says so, or does not watch data; null if it does.
 */
export function cannotCount(scope: "user" | "kernel" | "data"): string | null {
  const { status, stderr } = spawnSync(buildProgram("countable"), [scope], { encoding: "utf8" });
  return status === 0 ? null : stderr.trim() || `perf_event_open: ended by status ${status}`;
}

/** Why process tests cannot run here, or null: each needs a compiler and the right to ptrace. */
export function cannotTrace(): string | null {
  if (!hasProgram("gcc")) return "no C compiler (gcc)";
  if (process.platform !== "linux" || process.arch !== "x64") return "not x86-64 Linux";
  return null;
}
