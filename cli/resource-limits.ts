/**
 * --rlimit-…: limits of this process and of those that it starts, the traced program included
 * (stap(1), setrlimit(2)). Node cannot set them, prlimit(1) of util-linux can.
 */
import { spawnSync } from "node:child_process";
import { UsageError } from "./getopt.js";

/** What can be limited: the rest of the option's name, which is prlimit's name, too. */
export const LIMITED = ["as", "cpu", "nproc", "stack", "fsize"] as const;
/** A limited resource. */
export type Limited = (typeof LIMITED)[number];

/** -1, as setrlimit(2) has it. */
const UNLIMITED = (1n << 64n) - 1n;

/** Sets the limits of this process, soft and hard ones. Throws UsageError if that is not allowed. */
export function limitResources(limits: ReadonlyMap<Limited, bigint>): void {
  for (const [resource, limit] of limits) {
    const value = limit === UNLIMITED ? "unlimited" : `${limit}`;
    const args = [`--pid=${process.pid}`, `--${resource}=${value}:${value}`];
    const { status, error, stderr } = spawnSync("prlimit", args, { encoding: "utf8" });
    if (status === 0) continue;
    const reason = error === undefined ? stderr.trim() : error.message;
    throw new UsageError(`Unable to set resource limits for rlimit-${resource} : ${reason}`);
  }
}

/** The limit that `text` gives for `resource`, in the range of a rlim_t. Throws UsageError. */
export function parseLimit(resource: Limited, text: string): bigint {
  if (/^[+-]?\d+$/.test(text)) return BigInt.asUintN(64, BigInt(text.replace("+", "")));
  throw new UsageError(`Unable to convert rlimit-${resource} resource limit '${text}'.`);
}
