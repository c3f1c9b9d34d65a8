/**
 * The state of a probe hit as DWARF expressions see it: registers are those of the hit, frames are
 * found by the rules for its address (DWARF 5 §3.3.5, §6.4), addresses of the module by its load
 * bias. Variables of a scope become places.
 */
import { TargetError } from "../../base/target-error.js";
import type { Die } from "../dwarf/die.js";
import type { Operation } from "../dwarf/operations.js";
import { ResolutionError } from "../elaborate/report.js";
import { add, constant, type Location } from "../types/location.js";
import type { SourceObject } from "./access.js";
import { type CalledFrame, entryValue, parameterValue } from "./entry-value.js";
import {
  type ExpressionContext,
  evaluatePlace,
  evaluateValue,
  registerOfHit,
} from "./expression.js";
import type { NumberShape, ObjectPlace } from "./place.js";
import type { ProgramModule } from "./program-module.js";
import { strip } from "./source-type.js";
import { threadLocalAddress } from "./thread-local.js";

/** A place in the code of a module; globals alone have none. */
export interface CodePosition {
  /** ELF address of the probed instruction. */
  readonly address: number;
  /** DIEs around it, innermost first, up to that of the unit. */
  readonly scopes: readonly Die[];
}

/** End of SystemTap's messages about debug information. */
const IS_COMPLETE = " [man error::dwarf]";

/** What expressions see at `position` of `program`. */
export function frameContext(
  program: ProgramModule,
  position: CodePosition | null,
): ExpressionContext {
  return contextOf(program, position, registerOfHit, 0);
}

/** How many calls may tell a value: in the frame of the hit, in that of its caller, and so on. */
const MAX_CALLS: readonly number[] = [64, 4, 2];

/** The same in the frame that is `depth` calls from the hit and has those registers. */
function contextOf(
  program: ProgramModule,
  position: CodePosition | null,
  register: (number: number) => Location,
  depth: number,
): ExpressionContext {
  const { info } = program;
  const called = (): CalledFrame => {
    const { address, scopes } = needPosition(position);
    const code = scopes.find((die) => die.tag === "subprogram");
    const maxCalls = MAX_CALLS[depth];
    if (code === undefined || maxCalls === undefined) return refuse("its value was lost");
    return { program, address, code, maxCalls, context, caller };
  };
  const caller: CalledFrame["caller"] = (site, returnTo, registers) => {
    // The call is the last thing before the address that it returns to.
    const behind = { address: returnTo - 1, scopes: info.enclosing(site.id) };
    return contextOf(program, behind, registers, depth + 1);
  };
  const context: ExpressionContext = {
    register,
    frameBase: () => frameBase(program, needPosition(position), context),
    frameAddress() {
      const operations = info.cfaAt(needPosition(position).address);
      if (operations === null) refuse("no call frame information");
      return evaluateValue(operations ?? [], context);
    },
    entryValue(operations) {
      const frame = called();
      const isAtEntry = info.ranges(frame.code.id)[0]?.begin === frame.address;
      return isAtEntry ? evaluateValue(operations, context) : entryValue(frame, operations);
    },
    parameter: (die) => parameterValue(called(), die),
    moduleAddress: (address) => ({
      kind: "module-address",
      address,
      module: program.reference,
    }),
    threadLocal: (offset) => add(threadLocalAddress(program), offset),
    baseType(die) {
      const type = strip(program.types.typeAt(info.die(die)));
      const isInteger = type.kind === "number" && type.encoding !== "float";
      return isInteger ? ({ bytes: type.bytes, signed: type.signed } satisfies NumberShape) : null;
    },
    called: (die) => operationsAt(program, info.die(die), position) ?? [],
  };
  return context;
}

/** The variable `die` where the program is at `position`. */
export function objectOf(
  program: ProgramModule,
  die: Die,
  position: CodePosition | null,
): SourceObject {
  const type = program.types.typeOf(die);
  return { type, place: placeOrReason(program, die, position), bits: null, node: null };
}

/** What is damaged or cannot be expressed makes a variable inaccessible, no more. */
function placeOrReason(
  program: ProgramModule,
  die: Die,
  position: CodePosition | null,
): ObjectPlace {
  try {
    const place = placeOf(program, die, position);
    return place.kind === "missing" ? inaccessible(place.reason, position) : place;
  } catch (error) {
    if (!(error instanceof ResolutionError || error instanceof TargetError)) throw error;
    return inaccessible(error.message, position);
  }
}

function placeOf(program: ProgramModule, die: Die, position: CodePosition | null): ObjectPlace {
  const { info } = program;
  const value = info.attribute(die, "const_value");
  if (info.owner(die, "location") === null && value !== null) {
    if (value.kind === "constant")
      return { kind: "value", value: constant(value.signed), offset: 0 };
    if (value.kind === "bytes") return { kind: "bytes", bytes: value.bytes, offset: 0 };
    if (value.kind === "string") {
      return { kind: "bytes", bytes: Buffer.from(`${value.text}\0`, "latin1"), offset: 0 };
    }
  }
  if (info.owner(die, "location") === null) {
    const name = info.text(die, "name") ?? "";
    const reason = `failed to retrieve location attribute for '${name}'${IS_COMPLETE}`;
    return { kind: "missing", reason };
  }
  const operations = operationsAt(program, die, position);
  if (operations === null || operations.length === 0) return { kind: "missing", reason: "" };
  return evaluatePlace(operations, frameContext(program, position));
}

/** SystemTap's words, with the reason where there is more to say. */
function inaccessible(reason: string, position: CodePosition | null): ObjectPlace {
  if (reason.endsWith(IS_COMPLETE)) return { kind: "missing", reason };
  const pc = position === null ? "" : ` (pc: 0x${position.address.toString(16)})`;
  const base = `not accessible at this address${pc}${IS_COMPLETE}`;
  return { kind: "missing", reason: reason === "" ? base : `${base}: ${reason}` };
}

/** Operations of the location of `die` at `position`; null where it has none. */
function operationsAt(
  { info }: ProgramModule,
  die: Die,
  position: CodePosition | null,
): readonly Operation[] | null {
  const owner = info.owner(die, "location") ?? die;
  const address = position?.address ?? 0;
  const entry = info
    .locations(owner.id, "location")
    .find(({ begin, end }) => address >= begin && address < end);
  return entry?.operations ?? null;
}

function frameBase(
  program: ProgramModule,
  { address, scopes }: CodePosition,
  context: ExpressionContext,
): Location {
  const { info } = program;
  const owner = scopes.find((die) => die.attributes.has("frame_base"));
  const entry =
    owner &&
    info
      .locations(owner.id, "frame_base")
      .find(({ begin, end }) => address >= begin && address < end);
  if (!entry) return refuse("no frame base");
  return evaluateValue(entry.operations, context);
}

function needPosition(position: CodePosition | null): CodePosition {
  return position ?? refuse("its location needs a place in the code");
}

function refuse(message: string): never {
  throw new ResolutionError("not-accessible", message);
}
