/**
 * Registers as they were when the function was entered (DW_OP_entry_value, DWARF 5 §2.5.1.7), from
 * what the call sites say that they hand over (§3.4.2), evaluated in the frame of the caller.
 *
 * Which call it was, the return address tells when the probe is hit: the value is a choice between
 * all direct calls of the function in its module. Where the address is of none of them (a call
 * through a pointer, from another module), or a tail call lies between, nothing can be known.
 */
import { once, remember } from "../../base/remember.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { FrameRules } from "../dwarf/frames.js";
import type { DieId } from "../dwarf/native.js";
import type { Operation } from "../dwarf/operations.js";
import { ResolutionError } from "../elaborate/report.js";
import { constant, type Location } from "../types/location.js";
import { type ExpressionContext, evaluatePlace, evaluateValue } from "./expression.js";
import { readNumber } from "./place.js";
import type { ProgramModule } from "./program-module.js";

/** A frame of the call chain whose function's entry is asked for. */
export interface CalledFrame {
  readonly program: ProgramModule;
  /** Rules by which the frame of its caller is found. */
  readonly rules: FrameRules | null;
  /** The function whose code runs in it. */
  readonly code: Die;
  /** More calls of it make more code than a handler should have. */
  readonly maxCalls: number;
  /** What expressions see in that frame. */
  readonly context: ExpressionContext;
  /** What they see in the frame of the caller, whose call returns to ELF address `returnTo`. */
  caller(site: Die, returnTo: number, register: (number: number) => Location): ExpressionContext;
}

/** What the calls of a function say of the state at its entry. */
export interface EntryState {
  /** The value that `operations` had when the function was entered. */
  value(operations: readonly Operation[]): Location;
  /** The value that was meant for a parameter that was not handed over (DW_OP_GNU_parameter_ref). */
  parameter(parameter: DieId): Location;
}

const WORD = { bytes: 8, signed: false };
const RETURN_ADDRESS = 16;
const STACK_POINTER = 7;

const UNKNOWN: Location = {
  kind: "unavailable",
  reason: "not accessible at this address: its value at the entry is not known to this caller",
};

/** A call with what expressions see there when it is made. */
interface Call {
  readonly site: Die;
  readonly returnTo: number;
  readonly context: () => ExpressionContext;
}

/** The state at the entry of the function of `frame`; each question is answered once. */
export function entryState(frame: CalledFrame): EntryState {
  const { info } = frame.program;
  const left = remember((number: number) => callerRegister(frame, number));
  const calls = once(() => callsOf(frame, left));
  const byCaller = (isMeant: (die: Die) => boolean): Location =>
    valueByCaller(frame, calls(), left(RETURN_ADDRESS), isMeant);
  const register = remember((number: number) => byCaller((die) => isIn(die, number, info)));
  const context: ExpressionContext = { ...frame.context, register };
  return {
    value: remember((operations: readonly Operation[]) => evaluateValue(operations, context)),
    parameter: remember((parameter: DieId) => byCaller((die) => means(die, parameter))),
  };
}

function means({ attributes }: Die, parameter: DieId): boolean {
  const meant = attributes.get("call_parameter") ?? attributes.get("abstract_origin");
  return meant?.kind === "reference" && meant.die === parameter;
}

/** The calls that may have led to `frame`; `register` gives what the caller had in its registers. */
function callsOf(frame: CalledFrame, register: (number: number) => Location): readonly Call[] {
  const { info } = frame.program;
  const sites = info.callsOf(frame.code);
  if (sites.length === 0) refuse("its value was lost, and no call of the function is described");
  if (sites.length > frame.maxCalls)
    refuse(`its value was lost; ${sites.length} calls could tell it`);
  if (mayReturnToItself(frame.code, info)) refuse("its value was lost, perhaps in a tail call");
  return sites.flatMap((site): readonly Call[] => {
    const returnTo = returnAddress(site);
    if (returnTo === null) return [];
    return [{ site, returnTo, context: once(() => frame.caller(site, returnTo, register)) }];
  });
}

/** The value of the parameter of call sites that `isMeant`, by the return address `left`. */
function valueByCaller(
  { program, context }: CalledFrame,
  calls: readonly Call[],
  left: Location,
  isMeant: (die: Die) => boolean,
): Location {
  const known = calls.flatMap((call): readonly [number, Location][] => {
    const value = handedOver(call, program.info, isMeant);
    return value === null ? [] : [[call.returnTo, value]];
  });
  if (known.length === 0) refuse("its value was lost, and no call of the function tells it");
  // As an ELF address, which the module's load bias is taken off once.
  const back: Location = { kind: "subtract", left, right: context.moduleAddress(0n) };
  return known.reduceRight<Location>((alternate, [returnTo, consequent]) => {
    const condition: Location = { kind: "equal", left: back, right: constant(returnTo) };
    return { kind: "select", condition, consequent, alternate };
  }, UNKNOWN);
}

/** What `call` says of the parameter that `isMeant`; null if nothing. */
function handedOver(
  { site, context }: Call,
  info: DebugInfo,
  isMeant: (die: Die) => boolean,
): Location | null {
  const parameter = info
    .children(site.id)
    .find((die) => die.tag === "call_site_parameter" && isMeant(die));
  const operations = parameter && info.locations(parameter.id, "call_value")[0]?.operations;
  if (operations === undefined || operations.length === 0) return null;
  try {
    return evaluateValue(operations, context());
  } catch (error) {
    if (error instanceof ResolutionError) return null;
    throw error;
  }
}

/** True if a parameter is handed over in register `number`. */
function isIn(die: Die, number: number, info: DebugInfo): boolean {
  const [entry] = info.locations(die.id, "location");
  const [only, more] = entry?.operations ?? [];
  return more === undefined && only?.atom === "reg" && Number(only.number) === number;
}

/**
 * A register of the caller of `frame`, as it is behind the call; nobody but the callee changed it.
 *
 * Where call frame information says nothing, the callee leaves the register: calls are described by
 * registers that outlast them, which the ABI preserves (SysV AMD64 ABI §3.2.1) or which a compiler
 * knows this callee not to use (gcc's -fipa-ra). libdw calls such a register, and rbx, undefined.
 */
function callerRegister(frame: CalledFrame, number: number): Location {
  const { rules, context } = frame;
  if (number === STACK_POINTER) return context.frameAddress();
  const rule = rules?.register(number);
  if (typeof rule === "object") {
    const place = evaluatePlace(rule, context);
    return place.kind === "register" ? context.register(place.register) : readNumber(place, WORD);
  }
  const isLeft = rule !== undefined && number < RETURN_ADDRESS;
  return isLeft ? context.register(number) : refuse(`register ${number} was lost`);
}

function returnAddress(site: Die): number | null {
  const address = site.attributes.get("call_return_pc");
  return address?.kind === "address" ? address.address : null;
}

const returning = new WeakMap<Die, boolean>();

function mayReturnToItself(code: Die, info: DebugInfo): boolean {
  const found = returning.get(code) ?? returnsToItself(code, info);
  returning.set(code, found);
  return found;
}

/**
 * True if `code` may be entered again by tail calls from itself, with the return address of the
 * first call: it, or a function that it calls so, calls it so, or calls something unknown so.
 */
function returnsToItself(code: Die, info: DebugInfo): boolean {
  const seen = new Map([[code.id, code]]);
  for (const die of seen.values()) {
    for (const site of tailCalls(die, info)) {
      const callee = info.reference(site, "call_origin");
      const target = callee === null ? null : definitionOf(callee, info);
      if (callee === null || target?.id === code.id) return true;
      if (target !== null) seen.set(target.id, target);
    }
  }
  return false;
}

function tailCalls(parent: Die, info: DebugInfo): readonly Die[] {
  return info.children(parent.id).flatMap((die): readonly Die[] => {
    if (die.tag === "call_site") return info.flag(die, "call_tail_call") ? [die] : [];
    return die.tag === "subprogram" ? [] : tailCalls(die, info);
  });
}

/** The code of the function that `callee` declares; null if it is in another module. */
function definitionOf(callee: Die, info: DebugInfo): Die | null {
  const name = info.text(callee, "linkage_name") ?? info.text(callee, "name") ?? "";
  const entry = info
    .functions(name)
    .find(
      ({ die, origin, entryPc, isExternal }) =>
        entryPc !== null && (die.id === callee.id || origin.id === callee.id || isExternal),
    );
  return entry?.die ?? null;
}

function refuse(message: string): never {
  throw new ResolutionError("not-accessible", message);
}
