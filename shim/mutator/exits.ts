/**
 * Where a function is left: returns and tail jumps.
 *
 * Takes a function's range; decodes it from start to end, and its `.cold` parts, which compilers
 * put elsewhere and reach by jumps. A jump out of all parts is a tail call, a conditional one too.
 * An indirect jump is one unless the function's frame is there by call frame information, or it
 * reads a table that leads into the function: a scaled index, a sum, or a register loaded by one or by
 * an offset made of one a few instructions before, or `notrack`. Pops before it are an epilogue. A
 * function without a frame whose code ends where another begins goes on there (hand-written code).
 * Exceptions and longjmp are no exits.
 */
import {
  changeOf,
  type Insn,
  jumpOperand,
  offsetLoadPart,
  stackChange,
  tableLoad,
} from "./decode.js";
import {
  bytesOf,
  type FunctionCode,
  type FunctionIndex,
  functionAt,
  type ModuleCode,
  rangeAt,
} from "./functions.js";

/** One place where control leaves a function; rsp points at the return address. */
export interface Exit {
  /** ELF address of the instruction: a return, a jump, or the last one before another function. */
  readonly address: number;
  /** A conditional jump: only when it is taken. */
  readonly onlyTaken: boolean;
  /** Where a tail jump leads: ELF address, null through a pointer; "caller" of a return. */
  readonly to: number | null | "caller";
}

/** Instructions before an indirect jump in which its table is looked for. */
const TABLE_DISTANCE = 12;

/** Exits of the function at `address`, ascending; none if it never returns. */
export function findExits(index: FunctionIndex, address: number): Exit[] {
  const parts = collectParts(index, address);
  const isInside = (target: number): boolean =>
    parts.some((part) => target >= part.start && target < part.end);
  const hasTables = parts.some(isEnteredInside);
  const exits: Exit[] = [];
  for (const part of parts) {
    let at = 0;
    for (const insn of part.insns) {
      if (insn.address < part.end && isExit(index, part, at, { isInside, hasTables })) {
        exits.push({ address: insn.address, onlyTaken: insn.flow === "branch", to: leadsTo(insn) });
      }
      at++;
    }
  }
  const last = parts[0] && lastBeforeNext(index, parts[0]);
  if (last) exits.push({ address: last.address, onlyTaken: false, to: last.address + last.length });
  return exits.sort((a, b) => a.address - b.address);
}

/** The instruction behind which a function without a frame goes on in the next one, if it does. */
function lastBeforeNext(index: FunctionIndex, code: FunctionCode): Insn | null {
  const next = rangeAt(index.module, code.end);
  if (!code.isKnown || next === null || next.address !== code.end || next.isPart) return null;
  const insns = [...code.insns].filter(({ address }) => address < code.end);
  const last = insns.at(-1);
  if (last?.flow !== "next" || last.address + last.length !== code.end) return null;
  if (isFiller(code, insns)) return null;
  return insns.every((insn) => stackChange(bytesOf(code, insn)) === null) ? last : null;
}

/** Whether nothing leads to the last of `insns`: those behind what ends a run of code. */
function isFiller({ targets }: FunctionCode, insns: readonly Insn[]): boolean {
  const ended = insns.findLastIndex(({ flow }) => !GOES_ON.has(flow));
  return ended >= 0 && !insns.slice(ended + 1).some(({ address }) => targets.has(address));
}

/** Control may come behind such an instruction. */
const GOES_ON: ReadonlySet<Insn["flow"]> = new Set(["next", "call", "branch"]);

function leadsTo({ flow, target }: Insn): Exit["to"] {
  if (flow === "return") return "caller";
  return flow === "indirect-jump" ? null : target;
}

/** The function and its parts elsewhere. */
function collectParts(index: FunctionIndex, address: number): FunctionCode[] {
  const first = functionAt(index, address);
  const parts = first ? [first] : [];
  for (const part of parts) {
    for (const insn of part.insns.direct()) {
      const target = insn.flow === "call" ? -1 : insn.target;
      if (target < 0 || parts.some((p) => target >= p.start && target < p.end)) continue;
      if (!isColdPart(index, target)) continue;
      const cold = functionAt(index, target);
      if (cold) parts.push(cold);
    }
  }
  return parts;
}

/** True if a jump to `target` stays in the function. */
function isColdPart(index: FunctionIndex, target: number): boolean {
  return rangeAt(index.module, target)?.isPart ?? false;
}

/** Whether something else than its direct jumps and what calls it leads into `part`. */
function isEnteredInside({ start, end, fixedTargets }: FunctionCode): boolean {
  return [...fixedTargets].some((target) => target > start && target < end);
}

/** The function that a part belongs to. */
interface Whole {
  readonly isInside: (target: number) => boolean;
  /** Jump tables may lead into it. */
  readonly hasTables: boolean;
}

function isExit(
  index: FunctionIndex,
  part: FunctionCode,
  at: number,
  { isInside, hasTables }: Whole,
): boolean {
  const insn = part.insns.item(at);
  switch (insn?.flow) {
    case "return":
      return true;
    case "jump":
      return !isInside(insn.target);
    case "branch":
      return !isInside(insn.target) && rangeAt(index.module, insn.target) !== null;
    case "indirect-jump":
      return !readsTable(index.module, part, insn, at, hasTables);
    default:
      return false;
  }
}

/** Whether what comes before jump `at` takes the frame of the function away: its last push is undone. */
function leavesFrame(part: FunctionCode, at: number): boolean {
  for (let back = at - 1; back >= Math.max(0, at - TABLE_DISTANCE); back--) {
    const insn = part.insns.item(back);
    if (insn?.flow !== "next") return false;
    const change = stackChange(bytesOf(part, insn));
    if (change !== null) return change === "pop";
  }
  return false;
}

/** How `register` came by its value before instruction `at`, as far as that is seen. */
function lastChange(part: FunctionCode, at: number, register: number): ReturnType<typeof changeOf> {
  for (let back = at - 1; back >= Math.max(0, at - TABLE_DISTANCE); back--) {
    const insn = part.insns.item(back);
    if (insn?.flow !== "next") return null;
    const change = changeOf(bytesOf(part, insn), register);
    if (change !== null) return change;
  }
  return null;
}

function readsTable(
  { hasFrame }: ModuleCode,
  part: FunctionCode,
  jump: Insn,
  at: number,
  hasTables: boolean,
): boolean {
  const operand = jumpOperand(bytesOf(part, jump), jump.address);
  if (operand.isNotrack) return true;
  if (leavesFrame(part, at)) return false;
  if (hasFrame?.(jump.address) === true) return true;
  if (!hasTables) return false;
  if (operand.indexScale > 1) return true;
  if (operand.indexScale === 1) {
    // The index has been scaled; or it is the place of a member function in a table just loaded.
    return !operand.parts.some((register) => lastChange(part, at, register) === "load");
  }
  if (operand.register === null) return false;
  if (lastChange(part, at, operand.register) === "sum") return true;
  let isByOffset = false;
  for (let back = at - 1; back >= Math.max(0, at - TABLE_DISTANCE); back--) {
    const insn = part.insns.item(back);
    if (insn === undefined || insn.flow === "call" || insn.flow === "return") return false;
    if (insn.flow !== "next") continue;
    const bytes = bytesOf(part, insn);
    const offsetPart = offsetLoadPart(bytes);
    if (tableLoad(bytes) !== null || (isByOffset && offsetPart === "offset")) return true;
    isByOffset ||= offsetPart === "load";
  }
  return false;
}
