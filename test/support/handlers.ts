/** The handlers of a bundle that need no traced process, in the order of a session. */
import type { BundleMeta } from "../../wasm-runtime/bundle.js";
import { showError } from "../../wasm-runtime/records/error.js";
import { formatItem } from "../../wasm-runtime/records/format.js";
import type { Item } from "../../wasm-runtime/records/items.js";
import type { LogRecord } from "../../wasm-runtime/records/read.js";

/** What a run printed, and what it said of errors and warnings as `ERROR: …`, `WARNING: …` lines. */
export interface RunOutput {
  readonly printed: string;
  readonly said: string;
}

/** Indexes of the `kind` probes in the order in which they run. */
export function orderedProbes(meta: BundleMeta, kind: "begin" | "end" | "error"): number[] {
  return meta.probes
    .flatMap(({ point }, probe) => (point.kind === kind ? [{ probe, order: point.order }] : []))
    .sort((a, b) => Number(a.order > b.order) - Number(a.order < b.order))
    .map(({ probe }) => probe);
}

/** Output of `records`. */
export function showRecords(records: readonly LogRecord[], meta: BundleMeta): RunOutput {
  const items = records.flatMap(({ items, probe }) => items.map((item) => ({ item, probe })));
  const said = items.map(({ item, probe }) => showMessage(item, probe, meta)).join("");
  const printed = items.flatMap(({ item }) =>
    item.kind === "print" ? [formatItem(item, meta)] : [],
  );
  return { printed: Buffer.concat(printed).toString(), said };
}

function showMessage(item: Item, probe: number, meta: BundleMeta): string {
  if (item.kind === "print") return "";
  if (item.kind === "error") return `ERROR: ${showError(item, probe, meta)}\n`;
  return `${item.kind.toUpperCase()}: ${Buffer.from(item.text).toString()}\n`;
}
