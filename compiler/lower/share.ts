/**
 * One function for handlers that do the same, as those of a wildcard do. Handlers that report who
 * they are take the index of the probe as a second parameter, given by an entry function for each.
 */
import { createHash } from "node:crypto";
import { get, i32 } from "../ir/build.js";
import type { FunctionReference, IrFunction, IrLocal } from "../ir/ir.js";
import { showFunction } from "../ir/print.js";
import type { LoweredHandler } from "./handler.js";
import { callOf } from "./scope.js";

/** The functions of all handlers. */
export interface SharedHandlers {
  readonly functions: readonly IrFunction[];
  /** Export name of each probe's handler, by probe index. */
  readonly names: readonly string[];
}

const INDEX: IrLocal = { name: "probe", type: "i32" };

/** Functions for `handlers`, in order of the probes. */
export function shareHandlers(handlers: readonly LoweredHandler[]): SharedHandlers {
  const groups = groupEqual(handlers);
  const functions: IrFunction[] = [];
  const names: string[] = [];
  for (const [index, handler] of handlers.entries()) {
    const group = groups[index] ?? [index];
    const name = `probe_${index}`;
    const [first] = group;
    const isShared = group.length > 1 && handler.usesIndex;
    if (isShared && first === index) functions.push(sharedFunction(handler, index));
    if (isShared) functions.push(entryFunction(name, first ?? index, index));
    else if (first === index) functions.push(wholeFunction(handler, name, index));
    names.push(isShared || first === index ? name : `probe_${first ?? index}`);
  }
  return { functions, names };
}

/** For each handler the indices of all that are equal to it, itself included. */
function groupEqual(handlers: readonly LoweredHandler[]): readonly (readonly number[])[] {
  const bySource = new Map<string, number[]>();
  for (const [index, { probe }] of handlers.entries()) {
    const key = `${probe.span.file.name}:${probe.span.start}`;
    const indices = bySource.get(key) ?? [];
    indices.push(index);
    bySource.set(key, indices);
  }
  const groups: number[][] = handlers.map((_, index) => [index]);
  for (const indices of bySource.values()) {
    const byCode = new Map<string, number[]>();
    for (const index of indices.length > 1 ? indices : []) {
      const handler = handlers[index];
      if (handler === undefined) continue;
      const key = codeKey(handler);
      const group = byCode.get(key) ?? [];
      group.push(index);
      byCode.set(key, group);
      groups[index] = group;
    }
  }
  return groups;
}

function codeKey(handler: LoweredHandler): string {
  return createHash("sha256")
    .update(showFunction(sharedFunction(handler, 0)))
    .digest("hex");
}

function sharedReference(first: number): FunctionReference {
  const parameters = ["i32", "i32"] as const;
  return { kind: "function", name: `handler_${first}`, parameters, result: null };
}

function sharedFunction(handler: LoweredHandler, first: number): IrFunction {
  return {
    reference: sharedReference(first),
    exported: null,
    parameters: [handler.context, INDEX],
    locals: handler.locals,
    body: handler.body(get(INDEX)),
  };
}

function entryFunction(name: string, first: number, index: number): IrFunction {
  const context: IrLocal = { name: "context", type: "i32" };
  const call = callOf(sharedReference(first), [get(context), i32(index)]);
  return {
    reference: { kind: "function", name, parameters: ["i32"], result: null },
    exported: name,
    parameters: [context],
    locals: [],
    body: [{ kind: "do", call }],
  };
}

function wholeFunction(handler: LoweredHandler, name: string, index: number): IrFunction {
  return {
    reference: { kind: "function", name, parameters: ["i32"], result: null },
    exported: name,
    parameters: [handler.context],
    locals: handler.locals,
    body: handler.body(i32(index)),
  };
}
