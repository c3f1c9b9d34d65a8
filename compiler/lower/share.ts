/**
 * One function for handlers of one probe declaration that came out the same, as those of a wildcard
 * do. Requires that handlers know their probe by their parameter alone.
 */
import { createHash } from "node:crypto";
import type { FunctionReference, IrFunction } from "../ir/ir.js";
import { showFunction } from "../ir/print.js";
import type { Handler, Probe } from "../types/program.js";
import type { LoweredHandler } from "./handler.js";

/** The functions of all handlers. */
export interface SharedHandlers {
  readonly functions: readonly IrFunction[];
  /** Export name of each probe's handler, by probe index. */
  readonly names: readonly string[];
}

/** Functions for `handlers`, named by the first of `probes` that each is for. */
export function shareHandlers(
  handlers: readonly LoweredHandler[],
  probes: readonly Probe[],
): SharedHandlers {
  const keys = codeKeys(handlers);
  const named = new Map<string, string>();
  const names = probes.map(({ handler }, index) => {
    const key = keys.get(handler) ?? "";
    const name = named.get(key) ?? `probe_${index}`;
    named.set(key, name);
    return name;
  });
  const functions = new Map<string, IrFunction>();
  for (const { handler, fn } of handlers) {
    const name = named.get(keys.get(handler) ?? "") ?? "";
    if (!functions.has(name)) functions.set(name, rename(fn, name));
  }
  return { functions: [...functions.values()], names };
}

function rename(fn: IrFunction, name: string): IrFunction {
  const reference: FunctionReference = { ...fn.reference, name };
  return { ...fn, reference, exported: name };
}

/** Texts that are equal for those that can share a function. */
function codeKeys(handlers: readonly LoweredHandler[]): ReadonlyMap<Handler, string> {
  return new Map(
    handlers.map(({ handler, fn }) => {
      const { span } = handler;
      const code = createHash("sha256")
        .update(showFunction(rename(fn, "")))
        .digest("hex");
      return [handler, `${span.file.name}:${span.start} ${code}`];
    }),
  );
}
