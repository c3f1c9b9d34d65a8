/**
 * Assignments to `$variables` (-g): to memory, to registers of the probed thread, and to bit
 * fields of either. What is written is what the same Location reads.
 */
import { bug } from "../../base/assert.js";
import { binary, i32, i64 } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Expression } from "../syntax/ast.js";
import type { Location } from "../types/location.js";
import { type Evaluation, evaluate, evaluationOf, extractBits, load } from "./location.js";
import { callLibrary, callOf, checkError, keep, type Scope, type Text } from "./scope.js";

/** Writes `text`, the value of `node`, to the control file that `target` names, or appends it. */
export function writeProcfs(target: Expression, text: Text, isAppend: boolean, scope: Scope): void {
  const { plan } = scope.unit;
  const args = [scope.context, i32(plan.procfs), text.address, i32(isAppend ? 1 : 0)];
  callLibrary(scope, "procfs_put", args);
  checkError(scope, target);
}

/** Something that can be read and written, its address computed once. */
export interface LocationPlace {
  /** The value, extended to 64 bits. */
  read(): IrExpression;
  /** Raises "write fault …" or "register access fault" if it cannot be. */
  write(value: IrExpression): void;
}

/** The place that `target` names. */
export function placeOf(target: Expression, scope: Scope): LocationPlace {
  const location = scope.unit.program.locations.get(target.id) ?? bug("no location to write to");
  return placeAt(location, evaluationOf(location, target, scope));
}

function placeAt(location: Location, evaluation: Evaluation): LocationPlace {
  switch (location.kind) {
    case "load":
      return memoryPlace(location, evaluation);
    case "register":
      return registerPlace(location, evaluation);
    case "bits":
      return bitsPlace(location, placeAt(location.value, evaluation), evaluation.scope);
    default:
      return bug("a value that is no place");
  }
}

function memoryPlace(location: Location & { kind: "load" }, evaluation: Evaluation): LocationPlace {
  const { scope, node } = evaluation;
  const address = keep(scope, evaluate(location.address, evaluation));
  return {
    read: () => load(address, location, evaluation),
    write(value) {
      const bytes = i64(BigInt(location.bytes));
      callLibrary(scope, "user_store", [scope.context, address, bytes, value]);
      checkError(scope, node);
    },
  };
}

/** Like the instruction would: writing 4 bytes clears those above (Intel SDM vol. 1 §3.4.1.1). */
function registerPlace(
  location: Location & { kind: "register" },
  evaluation: Evaluation,
): LocationPlace {
  const { scope, node } = evaluation;
  const { register, bytes, shift } = location;
  const size = 8 * bytes;
  const whole = (): IrExpression =>
    keep(scope, callOf({ kind: "host", name: "register" }, [i32(register)]));
  return {
    read: () => extractBits(whole(), { ...location, size }),
    write(value) {
      const merged =
        bytes >= 4
          ? extractBits(value, { shift: 0, size, signed: false })
          : merge(whole(), value, shift, size);
      callLibrary(scope, "set_register", [scope.context, i64(BigInt(register)), merged]);
      checkError(scope, node);
    },
  };
}

function bitsPlace(
  location: Location & { kind: "bits" },
  container: LocationPlace,
  scope: Scope,
): LocationPlace {
  const { shift, size } = location;
  return {
    read: () => extractBits(keep(scope, container.read()), location),
    write: (value) => container.write(merge(container.read(), value, shift, size)),
  };
}

/** `old` with its `size` bits from bit `shift` on replaced by the low bits of `value`. */
function merge(old: IrExpression, value: IrExpression, shift: number, size: number): IrExpression {
  const mask = ((1n << BigInt(size)) - 1n) << BigInt(shift);
  const kept = binary("i64.and", old, i64(~mask));
  const placed = shift === 0 ? value : binary("i64.shl", value, i64(BigInt(shift)));
  return binary("i64.or", kept, binary("i64.and", placed, i64(mask)));
}
