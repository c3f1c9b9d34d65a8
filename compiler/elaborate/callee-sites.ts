/**
 * Sites of `.function("f").callee("C")` and `.callees(N)`: functions that compilers know `f` to
 * call, by their call site DIEs (DWARF 5 §3.4, GNU's forerunners), and what was inlined in `f`.
 * Functions that others call too are probed with a condition: the return addresses on the stack
 * must be those of the call sites, unless STAP_CALLEE_MATCHALL is defined.
 */
import type { ProbePoint } from "../syntax/ast.js";
import { CALL_CHAIN_CONDITION, callChainTargets } from "./call-chain.js";
import { type CalledCode, type Calls, openCalls } from "./calls.js";
import { chooseFunctions } from "./code-functions.js";
import { type CodeQuery, entryPlace, entryTargets, showPlace } from "./code-query.js";
import { codeSite } from "./code-site.js";
import { matcher } from "./function-pattern.js";
import {
  findComponent,
  hasComponent,
  numberArgument,
  stringArgument,
  withArguments,
  withComponents,
} from "./point.js";
import { ResolutionError } from "./report.js";
import type { Site } from "./site.js";

/** A function that is called, with the return addresses of the calls that lead to it. */
interface Callee {
  readonly caller: CalledCode;
  readonly code: CalledCode;
  /** Innermost first. */
  readonly returns: readonly number[];
}

/** Sites of the callees that the query means. */
export function calleeSites(query: CodeQuery): readonly Site[] {
  const { where, info, pattern } = query;
  const depth = numberArgument(where.point, "callees") ?? 1n;
  if (depth < 1n) {
    const message = ".callees(N) only acceptable for N >= 1";
    throw new ResolutionError("callees-depth", message, findComponent(where.point, "callees"));
  }
  const isWanted = matcher(stringArgument(where.point, "callee") ?? "*");
  const callers = chooseFunctions(info, where.module, pattern, callerPoint(where.point));
  const walk: Walk = { query, isWanted, found: [], calls: openCalls(where.module, info) };
  for (const caller of callers.functions) collect(walk, caller, Number(depth), []);
  return walk.found.flatMap((callee) => calleeSite(query, callee));
}

/** Suffixes of a callee say nothing of its caller. */
function callerPoint(point: ProbePoint): ProbePoint {
  const end = point.components.findIndex(({ name }) => name.startsWith("callee"));
  return withComponents(point, point.components.slice(0, end));
}

interface Walk {
  readonly query: CodeQuery;
  readonly isWanted: (name: string) => boolean;
  readonly found: Callee[];
  readonly calls: Calls;
}

/** Adds what the code of `caller` calls. */
function collect(walk: Walk, caller: CalledCode, depth: number, returns: readonly number[]): void {
  const { query, isWanted, found, calls } = walk;
  for (const call of calls.of(caller.die)) {
    if (call.isTail) warnTailCall(query, caller, call.code);
    if (!isWanted(call.code.name)) continue;
    const inner = call.returnTo === null ? returns : [call.returnTo, ...returns];
    found.push({ caller, code: call.code, returns: inner });
    if (depth > 1) collect(walk, call.code, depth - 1, inner);
  }
}

function warnTailCall({ where, context }: CodeQuery, caller: CalledCode, callee: CalledCode): void {
  context.report.warn({
    code: "tail-call",
    message: `Callee "${callee.name}" in function "${caller.name}" is a tail call: .callee probe may not fire. Try placing the probe directly on the callee function instead.`,
    node: findComponent(where.point, "function"),
  });
}

function calleeSite(query: CodeQuery, { caller, code, returns }: Callee): readonly Site[] {
  const { where, info, context } = query;
  const { point } = where;
  const isReturn = hasComponent(point, "return");
  if (code.isInline && (isReturn || hasComponent(point, "call"))) return [];
  const ranges = info.ranges(code.die.id);
  const [range] = ranges;
  const size = range?.begin === code.entry ? range.end - range.begin : 0;
  const callee = showPlace(code.name, code.file, code.line);
  const own = entryTargets(query, code, code.entry, isReturn);
  const isChecked =
    returns.length > 0 && !context.context.options.defines.has("STAP_CALLEE_MATCHALL");
  const chain = { address: code.entry, isReturn, returns };
  return [
    codeSite({
      where,
      point: withoutCallee(withArguments(point, { function: callee })),
      listed: withCallee(
        withArguments(point, { function: showPlace(caller.name, caller.file, caller.line) }),
        callee,
      ),
      address: code.entry,
      size: isReturn ? size : 0,
      symbol: code.name,
      isReturn,
      ...(isReturn ? { entry: entryPlace(query, { ...code, ranges }) } : {}),
      targets: isChecked ? callChainTargets(info, chain, own) : own,
      condition: isChecked ? CALL_CHAIN_CONDITION : null,
    }),
  ];
}

const isCallee = (name: string): boolean => name === "callee" || name === "callees";

function withoutCallee(point: ProbePoint): ProbePoint {
  const kept = point.components.filter(({ name }) => !isCallee(name));
  return withComponents(point, kept);
}

/** The point with `.callee("…")` in the place of what was written for it. */
function withCallee(point: ProbePoint, callee: string): ProbePoint {
  const named = point.components.map((component) =>
    isCallee(component.name) ? { ...component, name: "callee" } : component,
  );
  return withArguments(withComponents(point, named), { callee });
}
