/**
 * Rules that are not about types alone: what can be assigned, foreach, wrapping, arming conditions,
 * constructs that are not supported yet (language.md §4-9). Requires inferred types.
 */
import { forEachNode } from "../elaborate/rewrite.js";
import type { FunctionSymbol, VariableSymbol } from "../elaborate/symbol.js";
import type { Expression, ForeachStatement, Node, NodeId } from "../syntax/ast.js";
import { hasPragma } from "../syntax/pragmas.js";
import type { Inference } from "./cells.js";
import { reachableFunctions } from "./infer.js";
import { baseOf } from "./usage.js";

/** Checks all handlers and the functions that they reach. */
export function checkProgram(state: Inference): void {
  const { handlers } = state.symbols;
  const functions = reachableFunctions(handlers, state);
  const writes = functionWrites(state);
  for (const handler of handlers) checkBody(handler.body, writes, state);
  for (const symbol of functions) checkBody(symbol.body, writes, state);
  for (const symbol of state.symbols.globals) checkWrapping(symbol, state);
}

function checkWrapping(symbol: VariableSymbol, state: Inference): void {
  if (symbol.declaration?.wrap !== true || symbol.arity !== 0) return;
  const message = "wrapping not supported for scalars";
  state.report.error({ code: "scalar-wrapping", message, node: symbol.place });
}

/** Arrays of which a function changes elements, directly or through others. */
type Writes = (symbol: FunctionSymbol) => ReadonlySet<VariableSymbol>;

function checkBody(body: Node, writes: Writes, state: Inference): void {
  forEachNode(body, (node) => {
    if (node.kind === "assignment") checkTarget(node, node.target, state);
    else if (node.kind === "update") checkUpdated(node, node.operand, state);
    else if (node.kind === "foreach") checkForeach(node, writes, state);
    else if (node.kind === "aggregate" || node.kind === "histogram") checkStat(node, state);
  });
}

/** What is assigned to or deleted must be a name, as SystemTap finds before it looks at types. */
export function checkAssigned(state: Inference): void {
  const { handlers } = state.symbols;
  for (const { body } of [...reachableFunctions(handlers, state), ...handlers]) {
    forEachNode(body, (node) => {
      if (node.kind === "delete") checkDelete(node.target, state);
      if (node.kind !== "assignment" || OF_THE_PROGRAM.has(node.target.kind)) return;
      checkTarget(node, node.target, state);
    });
  }
}

/** Whether these can be written to depends on the program. */
const OF_THE_PROGRAM: ReadonlySet<Expression["kind"]> = new Set([
  "target",
  "cast",
  "autocast",
  "register",
  "deref",
]);

function checkTarget(node: Expression, target: Expression, state: Inference): void {
  if (baseOf(target) !== null) return;
  // An unresolved variable is reported as such.
  if (state.targets.failures.has(target.id)) return;
  const value = state.targets.values.get(target.id);
  // As SystemTap, which finds it when translating (translatable.ts).
  if (target.kind === "deref" || target.kind === "register") return;
  if (value?.isWritable === true && (state.guru || value.needsGuru !== true)) return;
  if (value?.isWritable === true) {
    const what = target.kind === "target" && !target.atVar ? "target" : "@var";
    const shown = target.kind === "target" ? what : `@${target.kind}`;
    const message = `write to ${shown} variable not permitted; need stap -g`;
    state.report.error({ code: "guru-write", message, node: target });
    return;
  }
  state.report.error({
    code: "not-assignable",
    message: "Expecting lvalue for assignment",
    node,
    notes: [{ message: "", node: target }],
  });
}

/** What can be written to at all is found when translating (translatable.ts). */
function checkUpdated(node: Expression, operand: Expression, state: Inference): void {
  const { failures, values } = state.targets;
  if (values.has(operand.id) || failures.has(operand.id)) checkTarget(node, operand, state);
}

function checkDelete(target: Expression, state: Inference): void {
  if (target.kind === "index" || baseOf(target) !== null) return;
  state.report.error({
    code: "not-deletable",
    message: "invalid operand of delete expression",
    node: target,
  });
}

/** The operand of a statistics operator names a variable. */
function checkStat(
  node: Extract<Expression, { kind: "aggregate" | "histogram" }>,
  state: Inference,
): void {
  if (baseOf(node.stat) !== null) return;
  state.report.error({
    code: "not-a-statistic",
    message: "expected statistic variable",
    node: node.stat,
  });
}

/**
 * The array of a foreach must not change in the loop and its limit, also not through functions,
 * nor that of the element whose buckets it visits.
 */
function checkForeach(node: ForeachStatement, writes: Writes, state: Inference): void {
  const array = visitedArray(node, state);
  if (array === undefined) return;
  const modified = (place: Expression): void =>
    state.report.error({
      code: "modified-in-foreach",
      message: `variable '${array.name}' modified during 'foreach' iteration`,
      node: place,
    });
  const check = (part: Node): void => {
    for (const target of changedElements(part)) {
      if (state.symbols.variables.get(baseOf(target)?.id ?? -1) === array) modified(target);
    }
    if (part.kind !== "call") return;
    const overloads = state.symbols.calls.get(part.id) ?? [];
    if (!overloads.some((overload) => writes(overload).has(array))) return;
    state.report.error({
      code: "modified-in-foreach",
      message: `function call modifies var '${array.name}' during 'foreach' iteration`,
      node: part,
    });
  };
  if (node.limit !== null) forEachNode(node.limit, check);
  forEachNode(node.body, check);
}

/** The array whose elements, or buckets of an element, a foreach visits. */
function visitedArray(node: ForeachStatement, state: Inference): VariableSymbol | undefined {
  const { base } = node;
  if (base.kind !== "histogram") return state.symbols.variables.get(base.id);
  if (base.stat.kind !== "index") return undefined;
  return state.symbols.variables.get(baseOf(base.stat)?.id ?? -1);
}

/** Elements that `node` itself changes. Deleting the whole array is allowed. */
function changedElements(node: Node): Expression[] {
  if (node.kind === "assignment") return [node.target];
  if (node.kind === "update") return [node.operand];
  return node.kind === "delete" && node.target.kind === "index" ? [node.target] : [];
}

/** Looks into a function only when it is asked for: few are called in loops over arrays. */
function functionWrites(state: Inference): Writes {
  const known = new Map<FunctionSymbol, ReadonlySet<VariableSymbol>>();
  const find = (symbol: FunctionSymbol): ReadonlySet<VariableSymbol> => {
    const called = reachableFunctions([{ body: symbol.body, conditions: [] }], state);
    return changedArrays([symbol, ...called], state);
  };
  return (symbol) => {
    const writes = known.get(symbol) ?? find(symbol);
    known.set(symbol, writes);
    return writes;
  };
}

/** Arrays of which `functions` change elements. */
function changedArrays(
  functions: readonly FunctionSymbol[],
  state: Inference,
): Set<VariableSymbol> {
  const changed = new Set<VariableSymbol>();
  for (const { body } of functions) {
    forEachNode(body, (node) => {
      for (const target of changedElements(node)) {
        const variable = state.symbols.variables.get(baseOf(target)?.id ?? -1);
        if (variable) changed.add(variable);
      }
    });
  }
  return changed;
}

/** Arming conditions may not change anything; requires resolved names. */
export function checkConditions(state: Inference): void {
  for (const handler of state.symbols.handlers) {
    for (const condition of handler.conditions) checkCondition(condition, state);
  }
}

function isImpure(node: Node): boolean {
  if (node.kind === "print") return !node.name.startsWith("s");
  return node.kind === "embedded" && !hasPragma(node, "pure");
}

function checkCondition(condition: Expression, state: Inference): void {
  forEachNode(condition, (node) => {
    if (isImpure(node)) {
      const message = "probe condition must not include impure embedded-C";
      state.report.error({ code: "condition-impure", message, node });
    }
    if (node.kind !== "assignment" && node.kind !== "update") return;
    state.report.error({
      code: "condition-modifies",
      message: "probe condition must not modify any variables",
      node,
    });
  });
}

/**
 * Reports what is left in `bodies` that cannot be compiled; call it after elision. With
 * `skipBadVariables` a `$variable` that cannot be read is 0 and a warning.
 */
export function checkSupported(
  bodies: Iterable<Node>,
  state: Inference,
  skipBadVariables: boolean,
): void {
  const { failures, values } = state.targets;
  for (const { body } of reachableFunctions(state.symbols.handlers, state)) {
    forEachNode(body, (node) => {
      if (node.kind !== "perf") return;
      state.report.error({ code: "unresolved-type", message: "unresolved type ", node });
    });
  }
  // Of `&x` only the address has a value.
  const addressed = new Set<NodeId>();
  for (const body of bodies) {
    forEachNode(body, (node) => {
      if (node.kind === "unary" && node.operator === "&") addressed.add(node.operand.id);
      const failure = failures.get(node.id);
      if (failure && skipBadVariables && node.kind === "target" && !node.atVar) {
        const message = "Bad $context variable being substituted with literal 0";
        state.report.warn({ code: "bad-variable", message, node });
        values.set(node.id, { type: "long", location: { kind: "constant", value: 0n } });
      } else if (failure) state.report.error(failure);
      else if (!values.has(node.id) && !addressed.has(node.id)) reportUntyped(node, state);
    });
  }
}

function reportUntyped(node: Node, state: Inference): void {
  if (node.kind === "autocast" || (node.kind === "unary" && node.operator === "&")) {
    const message = "unknown type in dereference";
    state.report.error({ code: "unresolved-type", message, node });
  }
}
