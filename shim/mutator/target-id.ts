/**
 * The target of a session (-x, -c) as processes in other pid namespaces see it: handlers know the ids
 * of their own process's namespace (pid_namespaces(7)), and compare the target's with them.
 */
import { readlinkSync } from "node:fs";
import { innerTid } from "./process.js";

/** A process with its id where it lives. */
export interface TargetId {
  readonly innerPid: number;
  /** Pid namespace, as the link in /proc names it; null if that may not be known. */
  readonly namespace: string | null;
}

/** Ids of process `pid`. */
export function targetId(pid: number): TargetId {
  return { innerPid: innerTid(pid, pid), namespace: namespaceOf(pid) };
}

/** PARAMS.target of process `pid`. */
export function seenFrom(pid: number, target: TargetId | null): number {
  if (target === null) return 0;
  const namespace = namespaceOf(pid);
  if (namespace === null || namespace === namespaceOf("self")) return 0;
  return namespace === target.namespace ? target.innerPid : -1;
}

function namespaceOf(pid: number | "self"): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}
