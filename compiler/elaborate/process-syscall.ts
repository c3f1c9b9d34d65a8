/**
 * process.syscall and process.syscall.return with $syscall, $argN, $return (language.md §14.2, §15).
 *
 * The handler runs while the thread stands at the system call, on its registers; the number of
 * the call, which none of them holds at the return, is the register behind them (host.wit).
 */
import { REGISTER } from "../../wasm-runtime/layout/host.js";
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import type { Location } from "../types/location.js";
import { checkPlain } from "./plain-target.js";
import { PROCESS_ROOTS, processTargets } from "./process-target.js";
import { ResolutionError } from "./report.js";
import { unresolvedVar } from "./session-points.js";
import type { FamilyContext, FamilyTable, Site, TargetScope, TargetValue } from "./site.js";

/** DWARF registers of the arguments of a system call (SysV AMD64 ABI §A.2.1, figure 3.36). */
const ARGUMENTS: readonly number[] = [5, 4, 1, 10, 8, 9];
const RAX = 0;

/** The families of system calls of processes. */
export const SYSCALL_FAMILIES: FamilyTable = PROCESS_ROOTS.flatMap(
  (root): FamilyTable => [
    [`${root}.syscall`, (point, context) => syscallSites(point, false, context)],
    [`${root}.syscall.return`, (point, context) => syscallSites(point, true, context)],
  ],
);

function syscallSites(point: ProbePoint, isReturn: boolean, context: FamilyContext): Site[] {
  return processTargets(point, context).map(({ point: resolved, path, pid }) => ({
    point: resolved,
    type: "utrace_syscall",
    place: { kind: "syscall", isReturn, path, pid },
    isReturn: false,
    targets: syscallTargets(isReturn),
    condition: null,
  }));
}

function syscallTargets(isReturn: boolean): TargetScope {
  const names = ["$syscall", ...ARGUMENTS.map((_, i) => `$arg${i + 1}`)];
  return {
    variables: () => names.map((name) => ({ name, type: "long" })),
    resolve: (symbol) => resolveSyscallTarget(symbol, isReturn),
  };
}

function resolveSyscallTarget(symbol: TargetSymbol, isReturn: boolean): TargetValue {
  const { name } = symbol;
  if (symbol.atVar) throw unresolvedVar(symbol);
  const number = /^\$arg(\d+)$/.exec(name)?.[1];
  if (number === undefined && !["$syscall", "$return", "$$parms"].includes(name)) {
    const expected = "$syscall, $return, $argN or $$parms expected";
    throw refused(`invalid target symbol for utrace probe, ${expected}`, symbol);
  }
  checkPlain(symbol, "utrace");
  if (name === "$syscall") return long(register(REGISTER.systemCall));
  if (name === "$return") {
    if (!isReturn)
      throw refused('only "process(PATH_OR_PID).syscall.return" support $return.', symbol);
    return long(register(RAX));
  }
  if (isReturn) {
    throw refused('only "process(PATH_OR_PID).syscall" support $argN or $$parms.', symbol);
  }
  if (number === undefined) return { type: "string", location: allArguments() };
  const argument = ARGUMENTS[Number(number) - 1];
  if (argument === undefined) throw refused("invalid syscall argument number (1-6)", symbol);
  return long(register(argument));
}

function refused(message: string, symbol: TargetSymbol): ResolutionError {
  return new ResolutionError("unresolved-target", message, symbol);
}

function long(location: Location): TargetValue {
  return { type: "long", location };
}

function register(index: number): Location {
  return { kind: "register", register: index, bytes: 8, shift: 0, signed: false };
}

/** `$arg1=0x… $arg2=0x…` */
function allArguments(): Location {
  const pieces = ARGUMENTS.flatMap((index, i) => [
    { text: `${i === 0 ? "" : " "}$arg${i + 1}=` },
    { value: register(index), conversion: "x" as const },
  ]);
  return { kind: "format", pieces, onFault: null };
}
