/** Where records go (standard output or a file) and where everything else goes (standard error). */
import { closeSync, openSync, writeSync } from "node:fs";
import { TargetError } from "../base/target-error.js";

/** A sink for the output of probes. */
export interface Output {
  /** Writes all of `bytes`; false once nobody reads any more (EPIPE). */
  write(bytes: Uint8Array): boolean;
  close(): void;
}

/** Opens `path` (created, truncated), or standard output for null. */
export function openOutput(path: string | null): Output {
  const descriptor = path === null ? 1 : openFile(path);
  return {
    write: (bytes) => writeAll(descriptor, bytes),
    close: () => {
      if (path !== null) closeSync(descriptor);
    },
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
