/** Values of options: text → value, checked as stap checks them (cli.md §2). Throw UsageError. */
import { readlinkSync } from "node:fs";
import { compareVersions } from "../base/version.js";
import { UsageError } from "./getopt.js";

/** Fails unless `text` matches `pattern`, which the message shows; case does not matter. */
export function matching(text: string, pattern: string, about: string): RegExpExecArray {
  const match = new RegExp(pattern, "i").exec(text);
  if (match !== null) return match;
  throw new UsageError(
    `ERROR: Safety pattern mismatch for ${about} ('${text}' vs. '${pattern}') rc=1`,
  );
}

/** `NAME=VALUE` of -G. */
export function globalAssignment(text: string): readonly [string, string] {
  matching(text, "^[a-z_][a-z0-9_]*=[a-z0-9_.-]+$", "-G parameter");
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `NAME` or `NAME=VALUE` of -D; a name alone stands for 1. */
export function definition(text: string): readonly [string, string] {
  matching(text, "^[a-z_][a-z_0-9]*(=-?[a-z_0-9]+)?$", "-D parameter");
  const at = text.indexOf("=");
  return at < 0 ? [text, "1"] : [text.slice(0, at), text.slice(at + 1)];
}

/** A decimal integer from `least` to `most`; any other text ends in `message`. */
export function integer(text: string, least: number, most: number, message: string): number {
  const value = /^\s*[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(message);
}

/** Pass number of -p. */
export function passNumber(text: string): 1 | 2 | 3 | 4 | 5 {
  const message = "Invalid pass number (should be 1-5).";
  return integer(text, 1, 5, message) as 1 | 2 | 3 | 4 | 5;
}

/** Digits of --vp, one for each pass, as five numbers. */
export function passVerbosity(text: string): readonly number[] {
  if (!/^\d{1,5}$/.test(text)) {
    throw new UsageError("Invalid --vp argument: it takes 1 to 5 digits.");
  }
  return [...text.padEnd(5, "0")].map(Number);
}

/** Milliseconds of -T SECONDS. */
export function timeoutMs(text: string): number {
  const milliseconds = text.trim() === "" ? 0 : Math.floor(Number(text) * 1000);
  if (milliseconds >= 1) return milliseconds;
  throw new UsageError("Invalid timeout interval.");
}

/** One of `allowed`; null (no value given) is `otherwise`. */
export function choice<Name extends string>(
  text: string | null,
  allowed: readonly Name[],
  about: { readonly option: string; readonly otherwise: Name },
): Name {
  if (text === null) return about.otherwise;
  const found = allowed.find((name) => name === text);
  if (found !== undefined) return found;
  throw new UsageError(`Invalid argument '${text}' for --${about.option}.`);
}

/** Size in megabytes and number of files of -S. */
export function rotation(text: string): { readonly megabytes: number; readonly files: number } {
  matching(text, "^[0-9]+(,[0-9]+)?$", "-S parameter");
  const [megabytes = 0, files = 0] = text.split(",").map(Number);
  return { megabytes, files };
}

/** Longest module name: that of a kernel module on a 64-bit machine, MODULE_NAME_LEN - 1. */
const MODULE_NAME_CHARACTERS = 55;

/** Name of -m without the endings that files of modules have, and what was changed. */
export function moduleName(text: string): { readonly name: string; readonly cut: boolean } {
  const plain = text.replace(/\.(ko|so|wasm)$/, "");
  if (plain === "") throw new UsageError("Module name cannot be empty.");
  matching(plain, "^[a-z0-9_]+$", "-m parameter");
  const name = plain.slice(0, MODULE_NAME_CHARACTERS);
  return { name, cut: name !== text };
}

/** Version of --compatible, not later than `current`. */
export function compatibleVersion(text: string, current: string): string {
  if (compareVersions(text, current) <= 0) return text;
  throw new UsageError(
    `ERROR: systemtap version ${current} cannot be compatible with future version ${text}`,
  );
}

/** Artefacts of --dump=A,B; `known` are all there are. */
export function dumps(text: string, known: readonly string[]): readonly string[] {
  const names = text.split(",");
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return names;
  throw new UsageError(`Unknown artefact "${wrong}" for --dump (known: ${known.join(", ")}).`);
}

/** True if ids of processes and users mean the same to process `pid` and to `other` (namespaces(7)). */
export function shareNamespaces(pid: number, other: number | "self"): boolean {
  const namespace = (process: number | "self", kind: string): string =>
    readlinkSync(`/proc/${process}/ns/${kind}`);
  try {
    return ["pid", "user"].every((kind) => namespace(pid, kind) === namespace(other, kind));
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such process" : "denied";
    throw new UsageError(`ERROR: cannot look at the namespaces of process ${pid}: ${reason}`);
  }
}
