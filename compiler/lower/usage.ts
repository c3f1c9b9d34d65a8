/**
 * What each handler and function does to variables, directly and through calls: the ground for
 * choosing storage (reduction, shard, lock), lock sets, MAXACTION accounting and copies.
 */
import { bug } from "../../base/assert.js";
import type { LibraryFunction } from "../../wasm-runtime/library-abi.js";
import { plainConstant } from "../embedded/block.js";
import type { BlockStatement, Expression, ForeachStatement, Identifier } from "../syntax/ast.js";
import { type Location, someLocation } from "../types/location.js";
import type { FunctionInstance, Global, Handler, Local, Program } from "../types/program.js";
import { type Code, children } from "./children.js";
import { boundName, canFail } from "./library-calls.js";

/** Accesses of one handler or function, without those of its callees. */
export interface Usage {
  readonly reads: Set<Global>;
  /** Written or reordered (sorted) in another way than `adds`. */
  readonly writes: Set<Global>;
  /** Scalar numbers changed by ++, --, += or -= whose result is not used. */
  readonly adds: Set<Global>;
  readonly calls: Set<FunctionInstance>;
  /** Scalar statistics that are deleted. */
  readonly clears: Set<Global>;
  /** Statistics that @variance is asked of. */
  readonly variances: Set<Global>;
  /** Locals and parameters that are assigned. */
  readonly assigned: Set<Local>;
  hasLoop: boolean;
  /** Runs embedded code. */
  hasEmbedded: boolean;
  /** May raise a soft error, the limits on loops and recursion aside. */
  mayFail: boolean;
}

/** Usage of everything in a program. */
export interface UsageTable {
  /** Accesses of `root` and all that it calls. */
  all(root: Handler | FunctionInstance): Usage;
  /** Accesses of `root` itself. */
  own(root: Handler | FunctionInstance): Usage;
  /** True if `fn` can call itself. */
  isRecursive(fn: FunctionInstance): boolean;
  /** True if `fn` or a function that it calls can call itself. */
  reachesRecursion(fn: FunctionInstance): boolean;
  /** Usage of one expression or statement with all that it calls. */
  ofCode(code: Code): Usage;
}

/** Finds the usage of all handlers and functions of `program`. */
export function analyzeUsage(program: Program): UsageTable {
  const own = new Map<Handler | FunctionInstance, Usage>();
  for (const fn of program.functions) {
    const name = boundName(fn);
    own.set(fn, name === null ? usageOf([fn.body], program) : boundUsage(name));
  }
  for (const handler of program.handlers) {
    own.set(handler, usageOf([...handler.conditions, handler.body], program));
  }
  const ownOf = (root: Handler | FunctionInstance): Usage =>
    own.get(root) ?? bug(`a ${root.kind} without usage`);
  const closures = new Map<Handler | FunctionInstance, Usage>();
  const table: UsageTable = {
    own: ownOf,
    all(root): Usage {
      const known = closures.get(root) ?? closure(ownOf(root), ownOf);
      closures.set(root, known);
      return known;
    },
    isRecursive: (fn) => table.all(fn).calls.has(fn),
    reachesRecursion: (fn) => [fn, ...table.all(fn).calls].some(table.isRecursive),
    ofCode(code): Usage {
      const usage = usageOf([code], program);
      for (const fn of [...usage.calls]) merge(table.all(fn), usage);
      return usage;
    },
  };
  return table;
}

/** The globals of `usage` that change. */
export function changedGlobals(usage: Usage): ReadonlySet<Global> {
  return new Set([...usage.writes, ...usage.adds]);
}

/** True if `usage` changes a global. */
export function changesGlobals(usage: Usage): boolean {
  return usage.writes.size > 0 || usage.adds.size > 0;
}

/** What `usage` does that does not commute with additions: numbers assigned, statistics deleted. */
export function replacedGlobals(usage: Usage): ReadonlySet<Global> {
  const assigned = [...usage.writes].filter((global) => global.type !== "stats");
  return new Set([...assigned, ...usage.clears]);
}

function emptyUsage(): Usage {
  return {
    reads: new Set(),
    writes: new Set(),
    adds: new Set(),
    clears: new Set(),
    calls: new Set(),
    variances: new Set(),
    assigned: new Set(),
    hasLoop: false,
    hasEmbedded: false,
    mayFail: false,
  };
}

function boundUsage(name: LibraryFunction): Usage {
  return { ...emptyUsage(), mayFail: canFail(name) };
}

function closure(start: Usage, ownOf: (fn: FunctionInstance) => Usage): Usage {
  const total = emptyUsage();
  merge(start, total);
  for (const fn of total.calls) merge(ownOf(fn), total);
  return total;
}

/** Adds `usage` to `total`. */
function merge(usage: Usage, total: Usage): void {
  for (const global of usage.reads) total.reads.add(global);
  for (const global of usage.writes) total.writes.add(global);
  for (const global of usage.adds) total.adds.add(global);
  for (const global of usage.clears) total.clears.add(global);
  for (const global of usage.variances) total.variances.add(global);
  for (const local of usage.assigned) total.assigned.add(local);
  for (const fn of usage.calls) total.calls.add(fn);
  total.hasLoop ||= usage.hasLoop;
  total.hasEmbedded ||= usage.hasEmbedded;
  total.mayFail ||= usage.mayFail;
}

interface Walk {
  readonly usage: Usage;
  readonly program: Program;
}

function usageOf(roots: readonly (Code | BlockStatement)[], program: Program): Usage {
  const walk: Walk = { usage: emptyUsage(), program };
  for (const root of roots) visit(root, walk);
  return walk.usage;
}

function visit(node: Code, walk: Walk): void {
  const { usage, program } = walk;
  const location = program.locations.get(node.id);
  if (location !== undefined) usage.mayFail ||= someLocation(location, mayFail);
  usage.mayFail ||= nodeMayFail(node, program);
  switch (node.kind) {
    case "identifier":
      read(node, walk);
      return;
    case "expression":
      visitUnused(node.expression, walk);
      return;
    case "for":
      usage.hasLoop = true;
      if (node.initial !== null) visitUnused(node.initial, walk);
      if (node.condition !== null) visit(node.condition, walk);
      if (node.update !== null) visitUnused(node.update, walk);
      visit(node.body, walk);
      return;
    case "while":
      usage.hasLoop = true;
      break;
    case "foreach":
      visitForeach(node, walk);
      return;
    case "update":
    case "assignment":
      visitChange(node, walk);
      return;
    case "delete":
      write(node.target, walk);
      if (node.target.kind === "identifier") noteClear(node.target, walk);
      return;
    case "try":
      if (node.variable !== null) write(node.variable, walk);
      visit(node.body, walk);
      visit(node.handler, walk);
      return;
    case "aggregate":
      if (node.operator === "variance") noteVariance(node.stat, walk);
      break;
    case "embedded":
    case "const":
      if (node.kind === "const" && plainConstant(node) !== null) return;
      usage.mayFail = true;
      usage.hasEmbedded = true;
      for (const fn of program.calls.get(node.id) ?? []) usage.calls.add(fn);
      return;
    case "call":
      for (const fn of program.calls.get(node.id) ?? []) usage.calls.add(fn);
      break;
    default:
  }
  for (const child of children(node)) visit(child, walk);
}

/** An expression whose value nobody needs: here additions may count as reductions. */
function visitUnused(node: Expression, walk: Walk): void {
  const target = node.kind === "update" ? node.operand : node.kind === "assignment" && node.target;
  const variable = target && walk.program.variables.get(target.id);
  const isAdd =
    node.kind === "update" || (node.kind === "assignment" && /^[+-]=$/.test(node.operator));
  if (isAdd && target && target.kind === "identifier" && variable && variable.kind === "global") {
    walk.usage.adds.add(variable);
    if (node.kind === "assignment") visit(node.value, walk);
    return;
  }
  visit(node, walk);
}

function visitChange(node: Expression & { kind: "update" | "assignment" }, walk: Walk): void {
  const target = node.kind === "update" ? node.operand : node.target;
  write(target, walk);
  const readsOld = node.kind === "update" || !["=", "<<<"].includes(node.operator);
  if (readsOld && target.kind === "identifier") read(target, walk);
  if (node.kind === "assignment") visit(node.value, walk);
}

function visitForeach(node: ForeachStatement, walk: Walk): void {
  walk.usage.hasLoop = true;
  for (const variable of [node.value, ...node.keys]) {
    if (variable !== null) write(variable, walk);
  }
  visit(node.base, walk);
  if (node.sort !== null && node.base.kind === "identifier") write(node.base, walk);
  for (const index of node.slice ?? []) {
    if (index !== null) visit(index, walk);
  }
  if (node.limit !== null) visit(node.limit, walk);
  visit(node.body, walk);
}

function read(node: Identifier, { usage, program }: Walk): void {
  const variable = program.variables.get(node.id);
  if (variable?.kind === "global") usage.reads.add(variable);
}

function write(target: Expression, walk: Walk): void {
  if (target.kind === "index") {
    for (const index of target.indexes) {
      if (index !== null) visit(index, walk);
    }
    if (target.base.kind === "identifier") write(target.base, walk);
    return;
  }
  if (target.kind !== "identifier") {
    visit(target, walk);
    return;
  }
  const variable = walk.program.variables.get(target.id);
  if (variable?.kind === "global") walk.usage.writes.add(variable);
  if (variable?.kind === "local") walk.usage.assigned.add(variable);
}

function noteClear(target: Identifier, { usage, program }: Walk): void {
  const variable = program.variables.get(target.id);
  const isScalar = variable?.kind === "global" && variable.keys.length === 0;
  if (isScalar && variable.type === "stats") usage.clears.add(variable);
}

/** True if `node` itself, not its parts, may raise a soft error. */
function nodeMayFail(node: Code, program: Program): boolean {
  switch (node.kind) {
    case "binary":
      return node.operator === "/" || node.operator === "%";
    case "assignment":
      return ["/=", "%="].includes(node.operator) || node.target.kind !== "identifier";
    case "update":
      return node.operand.kind !== "identifier";
    case "aggregate":
      return node.operator !== "count" && node.operator !== "sum";
    case "histogram":
    case "perf":
      return true;
    case "print":
      return node.format?.some((p) => p.kind === "conversion" && /m/i.test(p.conversion)) ?? false;
    case "call":
      return program.calls.get(node.id)?.at(-1)?.usesNext ?? false;
    default:
      return false;
  }
}

function noteVariance(stat: Expression, { usage, program }: Walk): void {
  const identifier = stat.kind === "index" ? stat.base : stat;
  const variable = program.variables.get(identifier.id);
  if (variable?.kind === "global") usage.variances.add(variable);
}

function mayFail({ kind }: Location): boolean {
  return kind === "load" || kind.startsWith("divide") || kind.startsWith("remainder");
}
