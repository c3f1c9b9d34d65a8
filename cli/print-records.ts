/** Records → output: prints in order, errors and warnings to standard error, system() to a shell. */
import { spawn } from "node:child_process";
import type { BundleMeta } from "../wasm-runtime/bundle.js";
import { showError } from "../wasm-runtime/records/error.js";
import { formatItem } from "../wasm-runtime/records/format.js";
import type { Item } from "../wasm-runtime/records/items.js";
import type { LogRecord } from "../wasm-runtime/records/read.js";
import type { Messages } from "./messages.js";
import type { Output } from "./output.js";

/** Prints records of one bundle; false once nobody reads the output. */
export type RecordPrinter = (records: readonly LogRecord[]) => boolean;

/** A printer of the records of `meta`. */
export function createRecordPrinter(
  meta: BundleMeta,
  output: Output,
  messages: Messages,
): RecordPrinter {
  const sayItem = (item: Exclude<Item, { kind: "print" }>, probe: number): void => {
    if (item.kind === "error") {
      if (!meta.session.suppressErrors) messages.error(showError(item, probe, meta));
      return;
    }
    const text = Buffer.from(item.text).toString("utf8");
    if (item.kind === "warning") messages.warning(text);
    else runCommand(text, messages);
  };
  return (records) => {
    let printed: Uint8Array[] = [];
    const flush = (): boolean => {
      const bytes = Buffer.concat(printed);
      printed = [];
      return bytes.length === 0 || output.write(bytes);
    };
    for (const record of records) {
      for (const item of record.items) {
        if (item.kind === "print") printed.push(formatItem(item, meta));
        else {
          if (!flush()) return false;
          sayItem(item, record.probe);
        }
      }
    }
    return flush();
  };
}

/** system(): runs `command` with the shell, not waiting for it. */
function runCommand(command: string, messages: Messages): void {
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["ignore", "inherit", "inherit"] });
  child.on("error", (error) => messages.error(`${command} : ${error.message}`));
}
