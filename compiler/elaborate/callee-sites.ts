/**
 * Sites of `.function("f").callee("C")` and `.callees(N)`: functions that compilers know `f` to
 * call, by their call site DIEs (DWARF 5 §3.4, GNU's forerunners), and what was inlined in `f`.
 * Functions that others call too are probed with a condition: the return addresses on the stack
 * must be those of the call sites, unless STAP_CALLEE_MATCHALL is defined.
 */
import type { Die } from "../dwarf/die.js";
import { entryOf } from "../dwarf/ranges.js";
import type { ProbePoint } from "../syntax/ast.js";
import { CALL_CHAIN_CONDITION, callChainTargets } from "./call-chain.js";
import { type ChosenFunction, chooseFunctions } from "./code-functions.js";
import { type CodeQuery, entryPlace, showPlace, targetsAt } from "./code-query.js";
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

type Code = Pick<ChosenFunction, "name" | "file" | "line" | "die" | "unit" | "entry" | "isInline">;

/** A function that is called, with the return addresses of the calls that lead to it. */
interface Callee {
  readonly caller: Code;
  readonly code: Code;
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
  const walk: Walk = { query, isWanted, found: [] };
  for (const caller of callers.functions) collect(walk, caller, caller.die, Number(depth), []);
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
}

/** Adds what is called in the subtree of `parent`, which is code of `caller`. */
function collect(
  walk: Walk,
  caller: Code,
  parent: Die,
  depth: number,
  returns: readonly number[],
): void {
  const { query, isWanted, found } = walk;
  for (const die of query.info.children(parent.id)) {
    const call = calledAt(query, caller, die);
    if (call !== null && isWanted(call.code.name)) {
      const inner = call.returnTo === null ? returns : [call.returnTo, ...returns];
      found.push({ caller, code: call.code, returns: inner });
      if (depth > 1) collect(walk, call.code, call.code.die, depth - 1, inner);
    } else if (call === null && !CODE.has(die.tag)) {
      collect(walk, caller, die, depth, returns);
    }
  }
}

const CODE: ReadonlySet<string> = new Set(["subprogram", "inlined_subroutine", "call_site"]);

interface Call {
  readonly code: Code;
  /** Return address, null for inlined code. */
  readonly returnTo: number | null;
}

/** What `die` calls, null if it is no call of a known function of the module. */
function calledAt(query: CodeQuery, caller: Code, die: Die): Call | null {
  const { info } = query;
  if (die.tag === "inlined_subroutine") {
    const entry = entryOf(info, die);
    const unit = entry === null ? null : info.unitOf(die.id);
    if (entry === null || unit === null) return null;
    return { code: { ...describe(query, die), unit, entry, isInline: true }, returnTo: null };
  }
  if (die.tag !== "call_site") return null;
  const origin = info.reference(die, "call_origin") ?? info.reference(die, "abstract_origin");
  const code = origin === null ? null : definition(query, origin);
  if (code === null) return null;
  if (info.flag(die, "call_tail_call")) warnTailCall(query, caller, code);
  const at = die.attributes.get("call_return_pc") ?? die.attributes.get("low_pc");
  return at?.kind === "address" ? { code, returnTo: at.address } : null;
}

/** The out-of-line code of the function that `origin` declares. */
function definition(query: CodeQuery, origin: Die): Code | null {
  const { info } = query;
  const name = info.text(origin, "name");
  if (name === null) return null;
  const linkageName = info.text(origin, "linkage_name") ?? name;
  const entry = info
    .functions(name)
    .find(
      ({ die, origin: of, linkageName: other, isExternal, entryPc }) =>
        entryPc !== null &&
        entryPc !== 0 &&
        (die.id === origin.id || of.id === origin.id || (isExternal && other === linkageName)),
    );
  const unit = entry ? info.unitOf(entry.die.id) : null;
  if (!entry?.entryPc || unit === null) return null;
  return { ...describe(query, entry.die), unit, entry: entry.entryPc, isInline: false };
}

function describe({ info }: CodeQuery, die: Die): Pick<Code, "name" | "file" | "line" | "die"> {
  return {
    name: info.text(die, "name") ?? "",
    file: info.sourceFile(die, "decl_file") ?? "",
    line: Number(info.constant(die, "decl_line") ?? 0n),
    die,
  };
}

function warnTailCall({ where, context }: CodeQuery, caller: Code, callee: Code): void {
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
  const own = targetsAt(query, code, code.entry, isReturn);
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
