/**
 * Standard input for `input.char` and `input.line`: every character as it comes. A terminal gives
 * them at once and without echo, as under SystemTap; its keys for signals go on working.
 */
import { ReadStream } from "node:tty";
import type { ControlFile, FileHandlers } from "./procfs-files.js";

/** Keys of a terminal that stand for signals (termios(3) VINTR, VQUIT). */
const SIGNAL_KEYS: Readonly<Record<number, NodeJS.Signals>> = { 3: "SIGINT", 28: "SIGQUIT" };
const RETURN = 13;
const NEWLINE = 10;

/** Standard input, read once it is served. */
export function openStandardInput(written: FileHandlers["written"]): ControlFile {
  let isServed = false;
  const take = (bytes: Uint8Array): void => {
    for (const byte of bytes) written(Uint8Array.of(byte));
  };
  const takeKeys = (bytes: Uint8Array): void => {
    for (const byte of bytes) {
      const signal = SIGNAL_KEYS[byte];
      if (signal !== undefined) process.kill(process.pid, signal);
      else written(Uint8Array.of(byte === RETURN ? NEWLINE : byte));
    }
  };
  return {
    serve: () => {
      if (isServed) return;
      isServed = true;
      const { stdin } = process;
      const isTerminal = stdin instanceof ReadStream;
      if (isTerminal) stdin.setRawMode(true);
      stdin.on("data", isTerminal ? takeKeys : take);
    },
    close: () => {
      if (!isServed) return;
      const { stdin } = process;
      if (stdin instanceof ReadStream) stdin.setRawMode(false);
      stdin.destroy();
    },
  };
}
