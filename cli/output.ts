/** Where records go (standard output or files) and where everything else goes (standard error). */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { TargetError } from "../base/target-error.js";
import type { Options } from "./options.js";
import { formatTime } from "./strftime.js";

/** A sink for the output of probes. */
export interface Output {
  /** Writes all of `bytes`; false once nobody reads any more (EPIPE). */
  write(bytes: Uint8Array): boolean;
  close(): void;
}

/**
 * Opens `path` (created, truncated, strftime(3) formats replaced), or standard output for null.
 * With `rotation` (-S), files `path`.0, `path`.1, … follow one another; old ones are removed.
 */
export function openOutput(path: string | null, rotation: Options["rotation"] = null): Output {
  if (path === null) return fileOutput(1, () => undefined);
  if (rotation !== null) return rotatingOutput(path, rotation);
  const descriptor = openFile(formatTime(path, new Date()));
  return fileOutput(descriptor, () => closeSync(descriptor));
}

function fileOutput(descriptor: number, close: () => void): Output {
  return { write: (bytes) => writeAll(descriptor, bytes), close };
}

function rotatingOutput(
  path: string,
  { megabytes, files }: NonNullable<Options["rotation"]>,
): Output {
  const limit = megabytes * 2 ** 20;
  const names: string[] = [];
  let number = 0;
  let written = 0;
  const next = (): number => {
    const name = `${formatTime(path, new Date())}.${number++}`;
    names.push(name);
    const old = files > 0 && names.length > files ? names.shift() : undefined;
    if (old !== undefined) rmSync(old, { force: true });
    written = 0;
    return openFile(name);
  };
  let descriptor = next();
  return {
    write: (bytes) => {
      if (written > 0 && written + bytes.length > limit) {
        closeSync(descriptor);
        descriptor = next();
      }
      written += bytes.length;
      return writeAll(descriptor, bytes);
    },
    close: () => closeSync(descriptor),
  };
}

/** Writes a line to standard error. */
export function say(line: string): void {
  writeAll(2, Buffer.from(`${line}\n`));
}

function openFile(path: string): number {
  try {
    return openSync(path, "w");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new TargetError(
      `cannot open output file "${path}": ${reason}`,
      { operation: "open output", subject: path },
      { cause },
    );
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function writeAll(descriptor: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
  return true;
}
