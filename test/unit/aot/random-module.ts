/**
 * Makes random valid modules that end: loops count down a local, calls only go to later functions.
 * NaN payloads never reach an integer or memory, because engines may differ in them (Wasm core 2.0
 * §4.3.3).
 */
import {
  EMPTY_MODULE,
  type FunctionType,
  type Instruction,
  type ValueType,
  type WasmFunction,
  type WasmModule,
} from "../../../wasm-runtime/module/module.js";
import { type Mnemonic, OPCODES } from "../../../wasm-runtime/module/opcodes.js";
import type { Random } from "../../support/random.js";

const LETTERS: Readonly<Record<string, ValueType>> = { i: "i32", l: "i64", f: "f32", d: "f64" };
const NUMBERS: readonly ValueType[] = ["i32", "i64", "f32", "f64"];
const LEAKS_NAN = /reinterpret|copysign|trunc_f|\.(load|store)|const|atomic|memory/;

/** Instructions without immediates by their result. */
const PURE = new Map<ValueType, { op: Mnemonic; params: ValueType[] }[]>();
for (const [op, info] of Object.entries(OPCODES) as [
  Mnemonic,
  { signature: string; immediate: string },
][]) {
  const [params, result] = info.signature.split(">");
  if (info.immediate !== "none" || result === undefined || result === "" || LEAKS_NAN.test(op))
    continue;
  const type = LETTERS[result];
  if (type === undefined || params === undefined) continue;
  const list = PURE.get(type) ?? [];
  list.push({ op, params: [...params].map((letter) => LETTERS[letter] ?? "i32") });
  PURE.set(type, list);
}

const LOADS = (Object.keys(OPCODES) as Mnemonic[]).filter((op) => /^i\d\d\.load/.test(op));
const STORES = (Object.keys(OPCODES) as Mnemonic[]).filter((op) => /^i\d\d\.store/.test(op));
const UPDATES = (Object.keys(OPCODES) as Mnemonic[]).filter((op) => /\.rmw/.test(op));

const INTERESTING: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  8n,
  -1n,
  -2n,
  255n,
  256n,
  0x7fffffffn,
  -0x80000000n,
  0x80000000n,
  0xffffffffn,
  0x7fffffffffffffffn,
  -0x8000000000000000n,
];

interface Scope {
  readonly types: readonly FunctionType[];
  /** Type indices of all functions. */
  readonly signatures: readonly number[];
  readonly self: number;
  readonly locals: ValueType[];
  readonly params: number;
  /** Result types of the enclosing blocks, innermost first; null = a loop. */
  labels: (readonly ValueType[] | null)[];
  budget: number;
}

/** Builds one module from random numbers. */
class Builder {
  private readonly random: Random;
  private out: Instruction[] = [];
  private scope: Scope;

  constructor(random: Random) {
    this.random = random;
    this.scope = {
      types: [],
      signatures: [],
      self: 0,
      locals: [],
      params: 0,
      labels: [],
      budget: 0,
    };
  }

  module(): WasmModule {
    const { random } = this;
    const types = Array.from({ length: 5 }, (_, i) =>
      this.signature(i === 0 ? 2 : random.below(9)),
    );
    types.push({ params: ["i64", "i32"], results: ["i64", "i32"] });
    const signatures = Array.from({ length: 2 + random.below(5) }, (_, i) =>
      i === 0 ? 0 : random.below(types.length),
    );
    const functions = signatures.map(
      (type, self): WasmFunction => this.functionOf(types, signatures, type, self),
    );
    const size = 1 + random.below(8);
    const maximum = random.pick([1, 2, null]);
    return {
      ...EMPTY_MODULE,
      types,
      functions,
      tables: [{ element: "funcref", minimum: size, maximum: null }],
      memories: [{ minimum: 1, maximum, shared: false }],
      globals: [
        { type: "i32", mutable: true, init: [{ op: "i32.const", value: 5 }] },
        { type: "i64", mutable: true, init: [{ op: "i64.const", value: -5n }] },
      ],
      exports: [
        { name: "main", kind: "function", index: 0 },
        { name: "memory", kind: "memory", index: 0 },
        { name: "g0", kind: "global", index: 0 },
        { name: "g1", kind: "global", index: 1 },
      ],
      elements: [
        {
          type: "funcref",
          mode: { kind: "active", table: 0, offset: [{ op: "i32.const", value: 0 }] },
          // Only the last function, which calls nothing: calls through the table end too.
          items: Array.from({ length: random.below(size + 1) }, () => [
            { op: "ref.func", function: functions.length - 1 } as const,
          ]),
        },
      ],
      data: [
        {
          mode: { kind: "active", memory: 0, offset: [{ op: "i32.const", value: 64 }] },
          bytes: Uint8Array.from({ length: 64 }, () => random.below(256)),
        },
      ],
    };
  }

  private signature(params: number): FunctionType {
    return {
      params: Array.from({ length: params }, () =>
        this.random.pick(this.random.oneIn(3) ? NUMBERS : ["i32", "i64"]),
      ),
      results: this.random.oneIn(4) ? [] : [this.random.pick(["i32", "i64"] as const)],
    };
  }

  private functionOf(
    types: readonly FunctionType[],
    signatures: readonly number[],
    type: number,
    self: number,
  ): WasmFunction {
    const { params, results } = types[type] ?? { params: [], results: [] };
    const extra = Array.from({ length: 1 + this.random.below(9) }, () => this.random.pick(NUMBERS));
    this.scope = {
      types,
      signatures,
      self,
      locals: [...params, ...extra],
      params: params.length,
      labels: [results],
      budget: 60,
    };
    this.out = [];
    this.statements(3);
    for (const result of results) this.expression(result, 4);
    return { type, locals: this.scope.locals.slice(params.length), body: this.out };
  }

  private emit(instruction: Instruction): void {
    this.out.push(instruction);
  }

  private localsOf(type: ValueType): number[] {
    return [...this.scope.locals.keys()].filter((i) => this.scope.locals[i] === type);
  }

  private statements(depth: number): void {
    for (let count = 1 + this.random.below(4); count > 0 && this.scope.budget > 0; count--)
      this.statement(depth);
  }

  private statement(depth: number): void {
    this.scope.budget--;
    const choice = this.random.below(depth > 0 ? 13 : 5);
    if (choice < 3) this.assign();
    else if (choice < 5) this.store();
    else if (choice < 7) this.ifElse(depth);
    else if (choice === 7) this.loop(depth);
    else if (choice === 8) this.block(depth);
    else if (choice === 9) this.branchTable(depth);
    else if (choice === 10) this.call(null, 2);
    else if (choice === 11) this.bulk();
    else this.rare();
  }

  private assign(): void {
    const { locals } = this.scope;
    const local = this.random.pick([...locals.keys()].filter((i) => locals[i] !== "externref"));
    const type = locals[local] ?? "i32";
    if (this.random.oneIn(5)) {
      const global = this.random.below(2);
      this.expression(global === 0 ? "i32" : "i64", 3);
      this.emit({ op: "global.set", global });
      return;
    }
    this.expression(type, 4);
    this.emit({ op: "local.set", local });
  }

  private address(): number {
    this.expression("i32", 2);
    if (!this.random.oneIn(12)) {
      this.emit({ op: "i32.const", value: 0x3ff8 });
      this.emit({ op: "i32.and" });
    }
    return this.random.oneIn(20)
      ? this.random.pick([65530, 0x7ffffffc, 0xfffffff0])
      : this.random.below(64);
  }

  private store(): void {
    if (this.random.oneIn(8)) {
      const op = this.random.pick(UPDATES);
      const type = op.slice(0, 3) as ValueType;
      const offset = this.address() & ~7;
      this.expression(type, 2);
      if (op.includes("cmpxchg")) this.expression(type, 2);
      this.emit({ op, offset } as Instruction);
      this.emit({ op: "drop" });
      return;
    }
    const op = this.random.pick(STORES);
    const offset = this.address();
    this.expression(op.slice(0, 3) as ValueType, 3);
    this.emit({ op, offset } as Instruction);
  }

  private ifElse(depth: number): void {
    this.expression("i32", 3);
    this.emit({ op: "if", type: null });
    this.scope.labels.unshift([]);
    this.statements(depth - 1);
    if (this.random.oneIn(2)) {
      this.emit({ op: "else" });
      this.statements(depth - 1);
    }
    this.scope.labels.shift();
    this.emit({ op: "end" });
  }

  /** Counts a fresh local down to zero. */
  private loop(depth: number): void {
    const counter = this.scope.locals.length;
    this.scope.locals.push("i32");
    this.emit({ op: "i32.const", value: 1 + this.random.below(5) });
    this.emit({ op: "local.set", local: counter });
    // Nothing else assigns the counter: it gets a type that no other choice matches.
    this.scope.locals[counter] = "externref";
    this.emit({ op: "loop", type: null });
    this.scope.labels.unshift(null);
    this.statements(depth - 1);
    this.scope.labels.shift();
    this.emit({ op: "local.get", local: counter });
    this.emit({ op: "i32.const", value: 1 });
    this.emit({ op: "i32.sub" });
    this.emit({ op: "local.tee", local: counter });
    this.emit({ op: "br_if", label: 0 });
    this.emit({ op: "end" });
  }

  private block(depth: number): void {
    this.emit({ op: "block", type: null });
    this.scope.labels.unshift([]);
    this.statements(depth - 1);
    const label = this.scope.labels.findIndex(
      (l, i) => l !== null && l.length === 0 && this.random.oneIn(i + 1),
    );
    if (label >= 0) {
      this.expression("i32", 3);
      this.emit({ op: "br_if", label });
    }
    this.statements(depth - 1);
    this.scope.labels.shift();
    this.emit({ op: "end" });
  }

  private branchTable(depth: number): void {
    const count = 1 + this.random.below(4);
    for (let i = 0; i < count; i++) this.emit({ op: "block", type: null });
    this.expression("i32", 2);
    this.emit({
      op: "br_table",
      labels: Array.from({ length: this.random.below(6) }, () => this.random.below(count)),
      fallback: this.random.below(count),
    });
    for (let i = 0; i < count; i++) {
      this.emit({ op: "end" });
      for (let rest = count - 1 - i; rest > 0; rest--) this.scope.labels.unshift([]);
      this.statements(depth - 1);
      for (let rest = count - 1 - i; rest > 0; rest--) this.scope.labels.shift();
    }
  }

  private bulk(): void {
    this.address();
    this.address();
    this.expression("i32", 1);
    this.emit({ op: "i32.const", value: this.random.oneIn(3) ? 0x3ff : 0x1f });
    this.emit({ op: "i32.and" });
    this.emit({ op: this.random.oneIn(2) ? "memory.copy" : "memory.fill" });
  }

  private rare(): void {
    const last = this.scope.labels.at(-1);
    if (this.random.oneIn(3) && last !== undefined && last !== null) {
      this.expression("i32", 2);
      this.emit({ op: "if", type: null });
      for (const type of last) this.expression(type, 2);
      this.emit({ op: "return" });
      this.emit({ op: "end" });
    } else if (this.random.oneIn(10)) {
      this.expression("i32", 2);
      this.emit({ op: "if", type: null });
      this.emit({ op: "unreachable" });
      this.emit({ op: "end" });
    } else this.callTable();
  }

  private callTable(): void {
    const type = this.random.oneIn(4)
      ? this.random.below(this.scope.types.length)
      : (this.scope.signatures.at(-1) ?? 0);
    if (this.scope.self === this.scope.signatures.length - 1) return;
    const signature = this.scope.types[type];
    for (const param of signature?.params ?? []) this.expression(param, 2);
    this.expression("i32", 1);
    this.emit({ op: "i32.const", value: 3 });
    this.emit({ op: "i32.and" });
    this.emit({ op: "call_indirect", type, table: 0 });
    for (const _ of signature?.results ?? []) this.emit({ op: "drop" });
  }

  /** Calls a later function; its result is wanted or dropped. */
  private call(result: ValueType | null, depth: number): boolean {
    const { signatures, types, self } = this.scope;
    const candidates = [...signatures.keys()].filter((i) => {
      const results = types[signatures[i] ?? 0]?.results ?? [];
      return i > self && (result === null || (results.length === 1 && results[0] === result));
    });
    if (candidates.length === 0) return false;
    const callee = this.random.pick(candidates);
    const type = types[signatures[callee] ?? 0];
    for (const param of type?.params ?? []) this.expression(param, depth - 1);
    this.emit({ op: "call", function: callee });
    if (result === null) for (const _ of type?.results ?? []) this.emit({ op: "drop" });
    return true;
  }

  private constant(type: ValueType): void {
    const value = this.random.oneIn(2)
      ? this.random.pick(INTERESTING)
      : BigInt(this.random.below(200) - 100);
    if (type === "i32") this.emit({ op: "i32.const", value: Number(BigInt.asIntN(32, value)) });
    else if (type === "i64") this.emit({ op: "i64.const", value });
    else if (type === "f32") {
      this.emit({ op: "i64.const", value });
      this.emit({ op: "f32.convert_i64_s" });
    } else {
      this.emit({ op: "i64.const", value });
      this.emit({ op: "f64.convert_i64_s" });
    }
  }

  private expression(type: ValueType, depth: number): void {
    this.scope.budget -= 0.2;
    const locals = this.localsOf(type);
    if (depth <= 0 || this.scope.budget < -40 || this.random.oneIn(4)) {
      if (locals.length > 0 && !this.random.oneIn(3))
        this.emit({ op: "local.get", local: this.random.pick(locals) });
      else this.constant(type);
      return;
    }
    const choice = this.random.below(16);
    const integer = type === "i32" || type === "i64";
    if (choice === 0 && locals.length > 0) {
      this.expression(type, depth - 1);
      this.emit({ op: "local.tee", local: this.random.pick(locals) });
    } else if (choice === 1) this.select(type, depth);
    else if (choice === 2) this.valueBlock(type, depth);
    else if (choice === 3 && this.call(type, depth)) return;
    else if (choice === 4 && integer)
      this.emit({ op: "global.get", global: type === "i32" ? 0 : 1 });
    else if (choice < 8 && integer) this.load(type);
    else if (choice === 8 && integer) this.truncate(type, depth);
    else this.pure(type, depth);
  }

  private select(type: ValueType, depth: number): void {
    this.expression(type, depth - 1);
    this.expression(type, depth - 1);
    this.expression("i32", depth - 1);
    this.emit({ op: "select" });
  }

  private load(type: ValueType): void {
    const op = this.random.pick(LOADS.filter((l) => l.startsWith(type)));
    const offset = this.address();
    this.emit({ op, offset } as Instruction);
  }

  private truncate(type: ValueType, depth: number): void {
    const from = this.random.pick(["f32", "f64"] as const);
    this.expression(from, depth - 1);
    const sign = this.random.pick(["s", "u"] as const);
    const kind = this.random.oneIn(6) ? "trunc" : "trunc_sat";
    this.emit({ op: `${type}.${kind}_${from}_${sign}` } as Instruction);
  }

  private pure(type: ValueType, depth: number): void {
    const { op, params } = this.random.pick(PURE.get(type) ?? []);
    for (const param of params) this.expression(param, depth - 1);
    if (/^i.*(div|rem)/.test(op) && !this.random.oneIn(6)) {
      this.emit(type === "i32" ? { op: "i32.const", value: 1 } : { op: "i64.const", value: 1n });
      this.emit({ op: type === "i32" ? "i32.or" : "i64.or" });
    }
    this.emit({ op } as Instruction);
  }

  private valueBlock(type: ValueType, depth: number): void {
    if (this.random.oneIn(3)) {
      this.expression("i32", depth - 1);
      this.emit({ op: "if", type });
      this.scope.labels.unshift([type]);
      this.expression(type, depth - 1);
      this.emit({ op: "else" });
      this.expression(type, depth - 1);
      this.scope.labels.shift();
      this.emit({ op: "end" });
      return;
    }
    if (type === "i32" && this.random.oneIn(3)) {
      this.expression("i64", depth - 1);
      this.expression("i32", depth - 1);
      this.emit({ op: "block", type: { type: this.scope.types.length - 1 } });
      this.scope.labels.unshift(["i64", "i32"]);
      this.expression("i32", depth - 1);
      this.emit({ op: "br_if", label: 0 });
      this.scope.labels.shift();
      this.emit({ op: "end" });
      this.emit({ op: "i64.extend_i32_s" });
      this.emit({ op: "i64.sub" });
      this.emit({ op: "i32.wrap_i64" });
      return;
    }
    this.emit({ op: "block", type });
    this.scope.labels.unshift([type]);
    this.expression(type, depth - 1);
    this.expression("i32", depth - 1);
    this.emit({ op: "br_if", label: 0 });
    this.emit({ op: "drop" });
    this.expression(type, depth - 1);
    this.scope.labels.shift();
    this.emit({ op: "end" });
  }
}

/** A random module; `main` takes two numbers. */
export function randomModule(random: Random): WasmModule {
  const module = new Builder(random).module();
  // Loop counters were hidden behind a reference type.
  return {
    ...module,
    functions: module.functions.map((f) => ({
      ...f,
      locals: f.locals.map((t) => (t === "externref" ? "i32" : t)),
    })),
  };
}
