/**
 * Builder of one IR function: collects statements and hands out locals, labels and places in the
 * string frame. Temporaries and frame places are reused once the statement that took them ends.
 */

import { align8 } from "../../wasm-runtime/layout/values.js";
import { i32, splitAddress } from "../ir/build.js";
import type {
  IrExpression,
  IrFunction,
  IrLabel,
  IrLocal,
  IrStatement,
  StoreOp,
  ValueType,
} from "../ir/ir.js";

/** The function under construction. */
export interface Code {
  emit(statement: IrStatement): void;
  set(local: IrLocal, value: IrExpression): void;
  store(op: StoreOp, address: IrExpression, offset: number, value: IrExpression): void;
  branch(label: IrLabel, condition?: IrExpression): void;
  /** What `emitAll` emits, instead of emitting it here. */
  collect(emitAll: () => void): IrStatement[];
  /** `if condition { then } else { otherwise }`. */
  when(condition: IrExpression, then: () => void, otherwise?: () => void): void;
  /** A block that branches to `label` leave; none if nobody does. */
  block(label: IrLabel, body: () => void): void;
  /** A loop that branches to `label` repeat. */
  loop(label: IrLabel, body: () => void): void;
  label(name: string): IrLabel;
  /** A local that keeps its value to the end. */
  local(name: string, type: ValueType): IrLocal;
  /** A local for the current statement only; holds anything until set. */
  temporary(type: ValueType): IrLocal;
  /** True for locals that `temporary` gave. */
  isTemporary(local: IrLocal): boolean;
  /** Offset in the string frame of `bytes` bytes for the current statement. */
  frame(bytes: number): number;
  /** Bytes of string frame used at most. */
  frameBytes(): number;
  /** Gives back the temporaries and frame places that `emitAll` takes. */
  scoped<T>(emitAll: () => T): T;
  /** The finished locals, parameters excluded. */
  locals(): readonly IrLocal[];
}

/** A builder; `reserved` names are not given to locals. */
export function createCode(reserved: readonly string[]): Code {
  const uniqueLocal = uniqueNames(reserved);
  const uniqueLabel = uniqueNames([]);
  const locals: IrLocal[] = [];
  const pool: Record<ValueType, IrLocal[]> = { i32: [], i64: [] };
  const used: Record<ValueType, number> = { i32: 0, i64: 0 };
  const branched = new Set<IrLabel>();
  let frameTop = 0;
  let frameMax = 0;
  let body: IrStatement[] = [];

  const code: Code = {
    emit: (statement) => void body.push(statement),
    set: (local, value) => code.emit({ kind: "set", local, value }),
    store: (op, address, offset, value) =>
      code.emit({ kind: "store", op, ...splitAddress(address, offset), value }),
    branch(label, condition) {
      branched.add(label);
      code.emit({ kind: "branch", label, condition: condition ?? null });
    },
    collect(emitAll) {
      const outer = body;
      body = [];
      emitAll();
      const collected = body;
      body = outer;
      return collected;
    },
    when(condition, then, otherwise) {
      const taken = code.collect(then);
      const other = otherwise === undefined ? [] : code.collect(otherwise);
      if (condition.kind === "i32") body.push(...(condition.value === 0 ? other : taken));
      else code.emit({ kind: "if", condition, consequent: taken, alternate: other });
    },
    block(label, emitAll) {
      const inner = code.collect(emitAll);
      if (branched.has(label)) code.emit({ kind: "block", label, body: inner });
      else body.push(...inner);
    },
    loop: (label, emitAll) => code.emit({ kind: "loop", label, body: code.collect(emitAll) }),
    label: (name) => ({ name: uniqueLabel(name) }),
    local(name, type) {
      const local: IrLocal = { name: uniqueLocal(name), type };
      locals.push(local);
      return local;
    },
    temporary(type) {
      const index = used[type]++;
      const known = pool[type][index];
      if (known !== undefined) return known;
      const fresh = code.local(`${type === "i32" ? "a" : "t"}${index}`, type);
      pool[type].push(fresh);
      return fresh;
    },
    isTemporary: (local) => pool[local.type].includes(local),
    frame(bytes) {
      const offset = frameTop;
      frameTop += align8(bytes);
      frameMax = Math.max(frameMax, frameTop);
      return offset;
    },
    frameBytes: () => frameMax,
    scoped(emitAll) {
      const before = { ...used, frameTop };
      const result = emitAll();
      used.i32 = before.i32;
      used.i64 = before.i64;
      frameTop = before.frameTop;
      return result;
    },
    locals: () => locals,
  };
  return code;
}

/** Gives each name once; where it is taken already, or one of `reserved`, with a number behind it. */
function uniqueNames(reserved: readonly string[]): (name: string) => string {
  const taken = new Set(reserved);
  const numbers = new Map<string, number>();
  return (name) => {
    let candidate = name;
    let number = numbers.get(name) ?? 2;
    while (taken.has(candidate)) candidate = `${name}_${number++}`;
    numbers.set(name, number);
    taken.add(candidate);
    return candidate;
  };
}

/** A finished function from its parts. */
export function finishFunction(
  fn: Pick<IrFunction, "reference" | "exported" | "parameters">,
  code: Code,
  body: readonly IrStatement[],
): IrFunction {
  return { ...fn, locals: code.locals(), body };
}

/** Zero of `type`. */
export function zero(type: ValueType): IrExpression {
  return type === "i32" ? i32(0) : { kind: "i64", value: 0n };
}
