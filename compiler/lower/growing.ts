/**
 * Arrays whose elements handlers reach without a lock: numbers that, while probes run, are only
 * read, set or added to, one element in a handler, and that nothing removes. An entry once found
 * then stays where it is, and one atomic access to it is all that a handler could have locked; only
 * making a new entry takes the lock.
 */
import type { Expression, IndexExpression } from "../syntax/ast.js";
import type { Global, Handler, Program } from "../types/program.js";
import { type Code, children } from "./children.js";
import { changedGlobals, type Usage, type UsageTable } from "./usage.js";

/** What the search for such arrays needs to know of the program. */
export interface GrowthContext {
  readonly program: Program;
  readonly usages: UsageTable;
  /** True if handlers lock `global` while they use it. */
  isLocked(global: Global): boolean;
}

/** The arrays of `context` that only grow while `probes` run. */
export function growingArrays(
  handlers: readonly Handler[],
  context: GrowthContext,
): ReadonlySet<Global> {
  const growing = new Set(context.program.globals.filter((g) => canGrow(g, context)));
  for (const handler of handlers) {
    if (growing.size === 0) break;
    const locked = lockedGlobals(context.usages.all(handler), context);
    if (!accessesOneElement(handler, context)) for (const global of locked) growing.delete(global);
  }
  return growing;
}

function canGrow(global: Global, context: GrowthContext): boolean {
  const isArray = global.keys.length > 0 && global.type === "long" && !global.wrap;
  return isArray && context.isLocked(global);
}

function lockedGlobals(usage: Usage, context: GrowthContext): readonly Global[] {
  const touched = new Set([...usage.reads, ...changedGlobals(usage)]);
  return [...touched].filter((global) => context.isLocked(global));
}

/** True if all that `handler` could lock is one element, and once. */
function accessesOneElement({ conditions, body }: Handler, context: GrowthContext): boolean {
  let elements = 0;
  const isSimple = (node: Code): boolean => {
    if (isElementAccess(node)) elements++;
    else if (locksItself(node, context)) return false;
    return parts(node).every(isSimple);
  };
  const usesMore = [...conditions, body].some((node) => !isSimple(node));
  return !usesMore && elements <= 1;
}

/** `a[k]`, `a[k] = v`, `a[k] += v`, `a[k] -= v`, `a[k]++`, `a[k]--`, `[k] in a`. */
function isElementAccess(node: Code): boolean {
  switch (node.kind) {
    case "assignment":
      return isElement(node.target) && ["=", "+=", "-="].includes(node.operator);
    case "update":
      return isElement(node.operand);
    case "in":
      return node.base.kind === "identifier" && !node.indexes.includes(null);
    default:
      return node.kind === "index" && isElement(node);
  }
}

function isElement(node: Expression): node is IndexExpression {
  return node.kind === "index" && node.base.kind === "identifier" && !node.indexes.includes(null);
}

/** Parts of `node`; of an element only its keys, and what is assigned to it. */
function parts(node: Code): readonly Code[] {
  if (!isElementAccess(node)) return children(node);
  const present = (indexes: readonly (Expression | null)[]): Expression[] =>
    indexes.filter((index) => index !== null);
  switch (node.kind) {
    case "assignment":
      return [...parts(node.target), node.value];
    case "update":
      return parts(node.operand);
    case "in":
    case "index":
      return present(node.indexes);
    default:
      return [];
  }
}

/** True if `node`, no simple access, needs locks by itself, or repeats what may need them. */
function locksItself(node: Code, context: GrowthContext): boolean {
  const { program, usages } = context;
  switch (node.kind) {
    case "for":
    case "while":
    case "foreach":
    case "embedded":
    case "delete":
      return true;
    case "assignment":
      return isElement(node.target);
    case "identifier": {
      const variable = program.variables.get(node.id);
      return variable?.kind === "global" && context.isLocked(variable);
    }
    case "call": {
      const callees = program.calls.get(node.id) ?? [];
      return callees.some((fn) => lockedGlobals(usages.all(fn), context).length > 0);
    }
    default:
      return false;
  }
}
