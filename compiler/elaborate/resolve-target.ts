/**
 * Values of what stands for something of the program: `$variables`, @var, @cast, @enum, and `&` of
 * them, where a body is going to run. What cannot be resolved is remembered; it is an error only if
 * it survives. In return probes variables are taken as they were at the entry.
 */
import { TargetError } from "../../base/target-error.js";
import type { Module } from "../elf/read.js";
import type {
  CastExpression,
  EntryExpression,
  EnumExpression,
  Expression,
  Node,
  NodeId,
  TargetSymbol,
  UnaryExpression,
} from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import { showExpression } from "../syntax/print-expression.js";
import { forEachChild, walk } from "../syntax/walk.js";
import {
  type ModuleFinder,
  resolveCast,
  resolveEnumerator,
  resolveEnumeratorName,
  resolveModuleVariable,
} from "../variables/script-targets.js";
import { type Message, ResolutionError } from "./report.js";
import type { PointerType, TargetScope, TargetUse, TargetValue } from "./site.js";

/** Facts about the target symbols in specialized bodies, by node id. */
export interface TargetTable {
  readonly values: Map<NodeId, TargetValue>;
  /** Types of other expressions that are known to be pointers of the program. */
  readonly pointers: Map<NodeId, PointerType>;
  readonly failures: Map<NodeId, Message>;
}

/** Where a body is going to run. */
export interface Surroundings {
  readonly targets: TargetScope;
  /** Of a return probe the variables at the function's entry; null elsewhere. */
  readonly entryTargets: TargetScope | null;
  /** The expression that stands for `@entry(…)`; throws ResolutionError outside .return probes. */
  readonly entry: (node: EntryExpression) => Expression;
  readonly warn: (message: Message) => void;
  readonly table: TargetTable;
  /** The program or library that a script names, null if there is none. */
  readonly findModule: (name: string) => Module | null;
}

/** Copies a part of the body. */
export type Copy = <T extends Node>(part: T) => T;

/** What stands for something of the program. */
export type Target = TargetSymbol | CastExpression | EnumExpression;

/** True for what `resolveTarget` resolves. */
export function isTarget(node: Node): node is Target {
  return node.kind === "target" || node.kind === "cast" || node.kind === "enum";
}

/** A copy of `node` with its value, or what is to stand for it; failures are remembered. */
export function resolveTarget(
  node: Target,
  use: TargetUse,
  copy: Copy,
  surroundings: Surroundings,
): Expression {
  const { table } = surroundings;
  if (node.kind === "target" && use === "value" && isFromEntry(node, surroundings)) {
    return takenAtEntry(node, surroundings);
  }
  const made = copyParts(node, copy);
  try {
    table.values.set(made.id, valueOfTarget(made, use, surroundings));
  } catch (error) {
    const reason = reasonOf(error);
    table.failures.set(made.id, { ...reason, node: reason.node ?? made });
  }
  return made;
}

/** Why something cannot be resolved: also damaged debug information is a reason. */
function reasonOf(error: unknown): Message {
  if (error instanceof ResolutionError) return error.reason;
  if (!(error instanceof TargetError)) throw error;
  return { code: "unreadable-debuginfo", message: error.message, node: null };
}

function copyParts(node: Target, copy: Copy): Target {
  const id = newNodeId();
  if (node.kind === "enum") return { ...node, id, args: node.args.map((arg) => copy(arg)) };
  const steps = node.steps.map((step) =>
    step.kind === "element" ? { ...step, index: copy(step.index) } : step,
  );
  return node.kind === "cast"
    ? { ...node, id, operand: copy(node.operand), steps }
    : { ...node, id, steps };
}

/** Value of `node`; throws ResolutionError. */
function valueOfTarget(node: Target, use: TargetUse, surroundings: Surroundings): TargetValue {
  const { table, targets, findModule } = surroundings;
  const modules: ModuleFinder = { find: findModule, module: targets.module ?? null };
  if (node.kind === "enum" && node.operator === "enum") return resolveEnumerator(node, modules);
  if (node.kind === "enum") {
    const value = table.values.get(node.args[0]?.id ?? -1);
    return resolveEnumeratorName(node, value, modules);
  }
  if (use === "write" && node.kind === "target" && targets.isFromEntry?.(node)) {
    const message = "write to target variable not permitted in .return probes";
    throw new ResolutionError("return-write", message, node);
  }
  if (node.kind === "cast") return resolveCast(node, use, modules);
  return node.module === null
    ? targets.resolve(node, use)
    : resolveModuleVariable(node, use, modules);
}

/** `&` of a target; of anything else it is left to the types. */
export function resolveAddress(
  node: UnaryExpression,
  copy: Copy,
  surroundings: Surroundings,
): Node | null {
  if (!isTarget(node.operand)) return null;
  const made = { ...node, id: newNodeId(), operand: copyParts(node.operand, copy) };
  try {
    const value = valueOfTarget(made.operand, "address", surroundings);
    surroundings.table.values.set(made.id, value);
  } catch (error) {
    const reason = reasonOf(error);
    surroundings.table.failures.set(made.id, { ...reason, node: reason.node ?? made.operand });
  }
  return made;
}

function isFromEntry(node: TargetSymbol, { targets, entryTargets }: Surroundings): boolean {
  return entryTargets !== null && targets.isFromEntry?.(node) === true;
}

/** In a return probe: the value that the variable had at the entry. */
function takenAtEntry(node: TargetSymbol, surroundings: Surroundings): Expression {
  const shown = showExpression(node);
  const message = `confusing usage, value is captured as @entry(${shown}) in .return probe [man stapprobes] RETURN PROBES`;
  surroundings.warn({ code: "entry-value", message, node });
  const entry: EntryExpression = {
    kind: "entry",
    id: newNodeId(),
    span: node.span,
    operand: node,
  };
  return replaceEntry(entry, surroundings);
}

/** What stands for `@entry(…)`; a failure is remembered. */
export function replaceEntry(node: EntryExpression, surroundings: Surroundings): Expression {
  const { table } = surroundings;
  try {
    const value = surroundings.entry(node);
    const pointer = isTarget(node.operand) && pointerAtEntry(node.operand, surroundings);
    if (pointer) table.pointers.set(value.id, pointer);
    return value;
  } catch (error) {
    if (!(error instanceof ResolutionError)) throw error;
    const failed = { ...node, id: newNodeId() };
    table.failures.set(failed.id, { ...error.reason, node });
    return failed;
  }
}

function pointerAtEntry(node: Target, surroundings: Surroundings): PointerType | null {
  try {
    const targets = surroundings.entryTargets ?? surroundings.targets;
    return valueOfTarget(node, "value", { ...surroundings, targets }).pointer ?? null;
  } catch (error) {
    if (error instanceof ResolutionError) return null;
    throw error;
  }
}

/**
 * True if `operand` is something of the program that can be found, or a literal. As in SystemTap,
 * no other expression is defined, whatever is in it.
 */
export function isDefined(operand: Expression, surroundings: Surroundings): boolean {
  switch (operand.kind) {
    case "number":
    case "string":
    case "defined":
    case "probewrite":
      return true;
    case "entry":
      return surroundings.entryTargets !== null && isDefined(operand.operand, surroundings);
    case "unary":
      if (operand.operator !== "&" || !isTarget(operand.operand)) return false;
      return isFound(operand.operand, "address", surroundings);
    default:
      return isTarget(operand) && isFound(operand, "value", surroundings);
  }
}

/** True if `node` and what its indexes name can be found. */
function isFound(node: Target, use: TargetUse, surroundings: Surroundings): boolean {
  let found = canResolve(node, use, surroundings);
  forEachChild(node, (child) =>
    walk(child, (part) => {
      if (part.kind === "autocast") found = false;
      if (!isTarget(part)) return true;
      found &&= isFound(part, "value", surroundings);
      return false;
    }),
  );
  return found;
}

function canResolve(node: Target, use: TargetUse, surroundings: Surroundings): boolean {
  try {
    const atEntry = node.kind === "target" && isFromEntry(node, surroundings);
    const targets = (atEntry ? surroundings.entryTargets : null) ?? surroundings.targets;
    valueOfTarget(node, use, { ...surroundings, targets });
    return true;
  } catch (error) {
    const reason = reasonOf(error);
    if (reason.code === "unsupported-dwarf") {
      const message = `${reason.message}; @defined of it is 0`;
      surroundings.warn({ ...reason, message });
    }
    return false;
  }
}
