/**
 * Says why a process cannot be traced, in words that help: a failed ptrace(2) gives only EPERM.
 *
 * Source: ptrace(2) "Ptrace access mode checking", Documentation/admin-guide/LSM/Yama.rst.
 */
import { readFileSync } from "node:fs";
import { TargetError } from "../../base/target-error.js";
import { executablePath, exists, livingThread, statusText } from "./process.js";
import { isSystemFailure } from "./ptrace.js";

const EPERM = 1;
const ESRCH = 3;
const CAP_SYS_PTRACE = 19n;

/** Throws TargetError if it is plain without trying that process `pid` cannot be traced. */
export function checkTarget(pid: number): void {
  const fail = (why: string, errno: number): never => {
    throw new TargetError(why, { operation: "attach", subject: pid, errno });
  };
  if (!exists(pid)) fail(`cannot attach to process ${pid}: no such process`, ESRCH);
  const group = Number(statusText(pid, "Tgid"));
  if (group !== pid) fail(`${pid} is a thread of process ${group}: give the process`, ESRCH);
  const living = livingThread(pid);
  if ((statusText(living, "State") ?? "").startsWith("Z")) {
    fail(`cannot attach to process ${pid}: it has ended (zombie)`, ESRCH);
  }
  if (statusText(pid, "Kthread") === "1" || statusText(living, "VmSize") === null) {
    fail(`cannot attach to process ${pid}: it is a kernel thread`, EPERM);
  }
  if (pid === process.pid) fail("wastap cannot trace itself", EPERM);
  if (is32Bit(pid)) fail(`cannot attach to process ${pid}: it is a 32-bit process`, EPERM);
}

/** TargetError for a failed attach. */
export function attachError(pid: number, cause: unknown): TargetError {
  const errno = isSystemFailure(cause) ? cause.errno : 0;
  const about = { operation: "attach", subject: pid, errno };
  if (errno === ESRCH || !exists(pid)) {
    return new TargetError(`cannot attach to process ${pid}: no such process`, about, { cause });
  }
  const reason = errno === EPERM ? `not permitted: ${whyNotPermitted(pid)}` : messageOf(cause);
  return new TargetError(`cannot attach to process ${pid}: ${reason}`, about, { cause });
}

/** TargetError for anything that failed while a process was worked on. */
export function targetError(operation: string, pid: number, cause: unknown): TargetError {
  if (cause instanceof TargetError) return cause;
  const errno = isSystemFailure(cause) ? cause.errno : 0;
  const about = { operation, subject: pid, errno };
  if (errno === ESRCH) {
    return new TargetError(`cannot ${operation}: process ${pid} has ended`, about, { cause });
  }
  return new TargetError(`cannot ${operation} in process ${pid}: ${messageOf(cause)}`, about, {
    cause,
  });
}

function whyNotPermitted(pid: number): string {
  const tracer = Number(statusText(pid, "TracerPid") ?? 0);
  if (tracer !== 0) return `it is already traced by process ${tracer}${named(tracer)}`;
  const owner = ids(pid, "Uid");
  const own = process.getuid?.() ?? -1;
  const groups = ids(pid, "Gid");
  if (!mayPtrace()) {
    if (owner.some((uid) => uid !== own)) {
      return `it belongs to user ${[...new Set(owner)].join("/")}, wastap runs as user ${own}`;
    }
    if (groups.some((gid) => gid !== process.getgid?.())) {
      return `it has group ${[...new Set(groups)].join("/")}, wastap has ${process.getgid?.()}`;
    }
  }
  const scope = yamaScope();
  if (scope === 3) return "attaching is switched off (kernel.yama.ptrace_scope is 3)";
  if (scope === 2 && !mayPtrace()) {
    return "only root may attach (kernel.yama.ptrace_scope is 2)";
  }
  if (scope === 1 && !mayPtrace()) {
    return "only descendants may be attached (kernel.yama.ptrace_scope is 1): set it to 0, or start the program with -c";
  }
  if (executablePath(pid) === null) {
    return "it is not dumpable (it changed its user, or its file may not be read), so only root may attach";
  }
  return "it runs in another user namespace, or a security module forbids it";
}

function named(pid: number): string {
  const name = statusText(pid, "Name");
  return name === null ? "" : ` (${name})`;
}

function ids(pid: number, field: "Uid" | "Gid"): number[] {
  return (statusText(pid, field) ?? "").split(/\s+/).slice(0, 3).map(Number);
}

function mayPtrace(): boolean {
  const effective = BigInt(`0x${statusText(process.pid, "CapEff") ?? "0"}`);
  return ((effective >> CAP_SYS_PTRACE) & 1n) === 1n;
}

/** kernel.yama.ptrace_scope, 0 where there is no Yama. */
function yamaScope(): number {
  try {
    return Number(readFileSync("/proc/sys/kernel/yama/ptrace_scope", "utf8"));
  } catch {
    return 0;
  }
}

/** e_ident[EI_CLASS] of the executable (elf(5)). */
function is32Bit(pid: number): boolean {
  try {
    return readFileSync(`/proc/${livingThread(pid)}/exe`).at(4) === 1;
  } catch {
    return false;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
