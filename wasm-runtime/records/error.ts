/**
 * The text of a soft error (cli.md §6): what happened, where, through which calls, in which probe;
 * cut to what a string can hold, as SystemTap does.
 */
import type { BundleMeta } from "../bundle.js";
import type { Item } from "./items.js";

/** A soft error that ended a handler. */
export type ErrorItem = Extract<Item, { kind: "error" }>;

/** `TEXT near PLACE (called from PLACE)… in probe POINT` of `item`, raised in probe number `probe`. */
export function showError(item: ErrorItem, probe: number, meta: BundleMeta): string {
  const text = Buffer.from(item.text).toString("latin1");
  const [near, ...callers] = item.trail.map((place) => meta.locations[place] ?? "?");
  if (near === undefined) return decode(text);
  const calls = callers.map((place) => ` (called from ${place})`).join("");
  const whole = `${text} near ${near}${calls} in probe ${meta.probes[probe]?.name ?? "?"}`;
  return decode(whole.slice(0, meta.memory.maxString - 1));
}

/** Texts are bytes; people read UTF-8. */
function decode(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
