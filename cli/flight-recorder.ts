/**
 * -F: the session goes on in the background and writes to the file of -o (stap(1), staprun(8)). A
 * new process in a session of its own gets the bundle from the one that compiled it; that one shows
 * what the new one says until its probes are armed, prints its pid and ends.
 */
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { bug } from "../base/assert.js";
import type { Options } from "./options.js";

/** Set in the environment of a recorder. */
const RECORDER = "WASTAP_RECORDER";

/** What a recorder runs. */
export interface Recording {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly options: Options;
}

/** Starts a recorder of `recording`; the exit status of this command once that is armed or over. */
export function startRecorder(recording: Recording): Promise<number> {
  const [node, program] = process.argv;
  const recorder = spawn(node ?? bug("no program"), [program ?? bug("no program")], {
    detached: true,
    env: { ...process.env, [RECORDER]: "1" },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
  });
  recorder.stderr?.on("data", (text: Buffer) => void writeSync(2, text));
  recorder.send(recording);
  return new Promise((resolve, reject) => {
    recorder.once("error", reject);
    recorder.once("close", (status) => resolve(status ?? 1));
    recorder.once("message", () => {
      writeSync(1, `${recorder.pid}\n`);
      recorder.disconnect();
      recorder.stderr?.destroy();
      recorder.unref();
      resolve(0);
    });
  });
}

/** True in a recorder. The programs that it starts are none. */
export function isRecorder(): boolean {
  const found = process.env[RECORDER] !== undefined && process.send !== undefined;
  delete process.env[RECORDER];
  return found;
}

/** Runs what the process that started this recorder sends. */
export async function record(
  run: (recording: Recording, armed: () => void) => Promise<number>,
): Promise<number> {
  const recording = await new Promise<Recording>((resolve) => {
    process.once("message", (message) => resolve(message as Recording));
  });
  const armed = (): void => {
    if (process.connected) process.send?.("armed");
  };
  const status = await run(recording, armed);
  if (process.connected) process.disconnect();
  return status;
}
