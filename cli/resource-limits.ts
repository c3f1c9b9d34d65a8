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
  if (limits.size === 0) return;
  // All at once: with few processes or little memory allowed no second program might start.
  const args = [...limits].map(([resource, limit]) => {
    const value = limit === UNLIMITED ? "unlimited" : `${limit}`;
    return `--${resource}=${value}:${value}`;
  });
  const set = spawnSync("prlimit", [`--pid=${process.pid}`, ...args], { encoding: "utf8" });
  if (set.status === 0) return;
  const reason = set.error === undefined ? set.stderr.trim() : set.error.message;
  const names = [...limits.keys()].map((resource) => `rlimit-${resource}`).join(", ");
  throw new UsageError(`Unable to set resource limits for ${names} : ${reason}`);
}

/** The limit that `text` gives for `resource`, in the range of a rlim_t. Throws UsageError. */
export function parseLimit(resource: Limited, text: string): bigint {
  if (/^[+-]?\d+$/.test(text)) return BigInt.asUintN(64, BigInt(text.replace("+", "")));
  if (text === "") throw new UsageError(`An --rlimit-${resource} option value must be specified.`);
  throw new UsageError(`Unable to convert rlimit-${resource} resource limit '${text}'.`);
}
