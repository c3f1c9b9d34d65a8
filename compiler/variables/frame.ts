/**
 * The state of a probe hit as DWARF expressions see it: registers are those of the hit, frames are
 * found by the rules for its address (DWARF 5 §3.3.5, §6.4), addresses of the module by its load
 * bias. What does not depend on the address itself is found once for all addresses of a function
 * with the same rules.
 */
import { once } from "../../base/remember.js";
import type { Die } from "../dwarf/die.js";
import type { FrameRules } from "../dwarf/frames.js";
import type { DieId } from "../dwarf/native.js";
import type { Operation } from "../dwarf/operations.js";
import { entryOf } from "../dwarf/ranges.js";
import { ResolutionError } from "../elaborate/report.js";
import { add, constant, type Location } from "../types/location.js";
import type { SourceObject } from "./access.js";
import { type CalledFrame, type EntryState, entryState } from "./entry-value.js";
import { type ExpressionContext, evaluateValue, NO_CONTEXT, registerOfHit } from "./expression.js";
import type { ProgramModule } from "./program-module.js";
import { strip } from "./source-type.js";
import { threadLocalAddress } from "./thread-local.js";

/** A place in the code of a module; globals alone have none. */
export interface CodePosition {
  /** ELF address of the probed instruction. */
  readonly address: number;
  /** DIEs around it, innermost first, up to that of the unit. */
  readonly scopes: readonly Die[];
  /** Its frame, looked up when it is asked for. */
  readonly frame: () => Frame;
}

/** What the addresses of a function have in common where the same rules hold. */
export interface Frame extends FrameState {
  /** What expressions see, but for those that refer to other expressions (DW_OP_call4). */
  readonly context: ExpressionContext;
  /** Variables by their expressions, which are the same array for the same address range. */
  readonly objects: WeakMap<readonly Operation[], Map<DieId, SourceObject>>;
}

interface FrameState {
  readonly code: Die | null;
  readonly rules: FrameRules | null;
  readonly base: readonly Operation[] | null;
  /** Nothing of the function has run. */
  readonly isEntry: boolean;
}

/** The place at the ELF `address` in `scopes` of `program`. */
export function codePosition(
  program: ProgramModule,
  address: number,
  scopes: readonly Die[],
): CodePosition {
  return { address, scopes, frame: once(() => frameAt(program, address, scopes)) };
}

/** What expressions of globals see: they have no place in the code. */
export function globalContext(program: ProgramModule): ExpressionContext {
  return { ...NO_CONTEXT, register: registerOfHit, ...programContext(program, null) };
}

/** What all expressions at `position` see. */
export function positionContext(program: ProgramModule, position: CodePosition): ExpressionContext {
  return { ...position.frame().context, ...programContext(program, position) };
}

/** Operations of the location of `die` at `position`; null where it has none. */
export function operationsAt(
  program: ProgramModule,
  die: Die,
  position: CodePosition | null,
): readonly Operation[] | null {
  const { info } = program;
  const address = position?.address ?? 0;
  const owner = info.owner(die, "location") ?? die;
  const entries = info.locations(owner.id, "location");
  const covering = entries.find(({ begin, end }) => address >= begin && address < end);
  // Statements without instructions may have changed a parameter since, at the same address: what
  // it was before them has an empty range.
  const first = entries.find(({ begin, end }) => begin === address && end === address);
  const [code] = position?.scopes ?? [];
  const isHandedOver =
    first !== undefined &&
    die.tag === "formal_parameter" &&
    code !== undefined &&
    entryOf(info, code) === address;
  return (isHandedOver ? first : covering)?.operations ?? null;
}

/** By function; where there is none, by module. */
const frames = new WeakMap<object, Frame[]>();

function frameAt(program: ProgramModule, address: number, scopes: readonly Die[]): Frame {
  const state = stateAt(program, address, scopes);
  const known = frames.get(state.code ?? program) ?? [];
  frames.set(state.code ?? program, known);
  const same = known.find(
    ({ rules, base, isEntry }) =>
      rules === state.rules && base === state.base && isEntry === state.isEntry,
  );
  if (same !== undefined) return same;
  const context = contextOf(program, state, registerOfHit, 0);
  const frame: Frame = { ...state, context, objects: new WeakMap() };
  known.push(frame);
  return frame;
}

function stateAt(program: ProgramModule, address: number, scopes: readonly Die[]): FrameState {
  const { info } = program;
  const code = scopes.find((die) => die.tag === "subprogram") ?? null;
  const owner = scopes.find((die) => die.attributes.has("frame_base"));
  const base =
    owner &&
    info
      .locations(owner.id, "frame_base")
      .find(({ begin, end }) => address >= begin && address < end);
  return {
    code,
    rules: info.frameRules(address),
    base: base?.operations ?? null,
    isEntry: code !== null && info.ranges(code.id)[0]?.begin === address,
  };
}

/** DWARF number of rbp (SysV AMD64 ABI figure 3.36). */
const FRAME_POINTER = 6n;
/** The return address and the caller's rbp. */
const SAVED_BYTES = 16;

/** How many calls may tell a value: in the frame of the hit, in that of its caller, and so on. */
const MAX_CALLS: readonly number[] = [64, 4, 2];

/** What expressions see in the frame that is `depth` calls from the hit and has those registers. */
function contextOf(
  program: ProgramModule,
  { code, rules, base, isEntry }: FrameState,
  register: (number: number) => Location,
  depth: number,
): ExpressionContext {
  const { info } = program;
  const caller: CalledFrame["caller"] = (site, returnTo, registers) => {
    // The call is the last thing before the address that it returns to.
    const address = returnTo - 1;
    const scopes = info.enclosing(site.id);
    const state = stateAt(program, address, scopes);
    const context = contextOf(program, state, registers, depth + 1);
    return { ...context, ...programContext(program, codePosition(program, address, scopes)) };
  };
  const entry = once((): EntryState => {
    const maxCalls = MAX_CALLS[depth];
    if (code === null || maxCalls === undefined) return refuse("its value was lost");
    return entryState({ program, rules, code, maxCalls, context, caller });
  });
  const context: ExpressionContext = {
    ...NO_CONTEXT,
    ...programContext(program, null),
    register,
    frameBase: once(() => {
      if (base === null) return refuse("no frame base");
      const isPointer = base[0]?.atom === "reg" && base[0].number === FRAME_POINTER;
      if (!isEntry || !isPointer) return evaluateValue(base, context);
      // The function is going to push rbp and to copy rsp into it.
      return add(context.frameAddress(), constant(-SAVED_BYTES));
    }),
    frameAddress: once(() =>
      evaluateValue(rules?.cfa ?? refuse("no call frame information"), context),
    ),
    entryValue: (operations) =>
      isEntry ? evaluateValue(operations, context) : entry().value(operations),
    parameter: (die) => entry().parameter(die),
  };
  return context;
}

/** What does not depend on the frame. */
function programContext(
  program: ProgramModule,
  position: CodePosition | null,
): Pick<ExpressionContext, "moduleAddress" | "threadLocal" | "baseType" | "called"> {
  const { info, reference } = program;
  return {
    moduleAddress: (elfAddress) => ({
      kind: "module-address",
      address: elfAddress,
      module: reference,
    }),
    threadLocal: (offset) => threadLocalAddress(program, offset),
    baseType(die) {
      const type = strip(program.types.typeAt(info.die(die)));
      if (type.kind !== "number" || type.encoding === "other") return null;
      const { bytes } = type;
      if (type.encoding !== "float") return { bytes, signed: type.signed, isFloat: false };
      return bytes === 4 || bytes === 8 ? { bytes, signed: false, isFloat: true } : null;
    },
    called: (die) => operationsAt(program, info.die(die), position) ?? [],
  };
}

function refuse(message: string): never {
  throw new ResolutionError("not-accessible", message);
}
