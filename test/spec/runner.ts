/**
 * Runs the commands of one file of the test suite, as wast2json gives them, against machine code
 * in this process.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Extern,
  type Instance,
  instantiate,
  invoke,
  newStore,
  readGlobal,
  type Store,
  TrapError,
} from "../../wasm-runtime/aot/instance.js";
import { LinkError } from "../../wasm-runtime/aot/resolve.js";
import { type ValidModule, validateModule } from "../../wasm-runtime/aot/validate.js";
import { SPECTEST } from "./spectest.js";

interface JsonValue {
  readonly type: string;
  readonly value?: string;
}
interface Action {
  readonly type: "invoke" | "get";
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly JsonValue[];
}
interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly module_type?: string;
  readonly name?: string;
  readonly as?: string;
  readonly action?: Action;
  readonly expected?: readonly JsonValue[];
  readonly text?: string;
}

/** What came out of one file. */
export interface FileReport {
  readonly failures: readonly { readonly line: number; readonly message: string }[];
  readonly passed: number;
  /** Modules in text form that must not parse: wast2json's business. */
  readonly textOnly: number;
}

type Outcome = { readonly results: readonly bigint[] } | { readonly trap: string };

const TRAPS: Readonly<Record<string, string>> = {
  "out of bounds memory access": "memory access out of bounds",
  "out of bounds table access": "table access out of bounds",
  "call stack exhausted": "stack exhausted",
  "uninitialized element 2": "uninitialized element",
};

class ScriptFailure extends Error {}

function fail(message: string): never {
  throw new ScriptFailure(message);
}

/** State of a script: instances by name. */
class Script {
  private readonly store: Store = newStore();
  private readonly registered = new Map<string, ReadonlyMap<string, Extern>>();
  private readonly named = new Map<string, Instance>();
  private current: Instance | null = null;
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    const spectest = new Map<string, Extern>();
    for (const bytes of SPECTEST) {
      for (const [name, extern] of this.instantiate(validateModule(bytes)).exports) {
        spectest.set(name, extern);
      }
    }
    this.registered.set("spectest", spectest);
  }

  run(command: Command): void {
    switch (command.type) {
      case "module":
        this.current = this.instantiate(this.load(command));
        if (command.name !== undefined) this.named.set(command.name, this.current);
        break;
      case "register":
        this.registered.set(command.as ?? "", this.instanceOf(command.name).exports);
        break;
      case "action":
        this.act(command);
        break;
      case "assert_return":
        this.assertReturn(command);
        break;
      case "assert_trap":
      case "assert_exhaustion":
        this.assertTrap(command);
        break;
      case "assert_invalid":
      case "assert_malformed":
        this.assertInvalid(command);
        break;
      case "assert_unlinkable":
        this.assertNoInstance(command, LinkError);
        break;
      case "assert_uninstantiable":
        this.assertNoInstance(command, TrapError);
        break;
      default:
        fail(`unknown command ${command.type}`);
    }
  }

  private bytes(command: Command): Uint8Array {
    return readFileSync(join(this.directory, command.filename ?? ""));
  }
  private load(command: Command): ValidModule {
    return validateModule(this.bytes(command));
  }
  private instantiate(module: ValidModule): Instance {
    return instantiate(this.store, module, (from, name) => this.registered.get(from)?.get(name));
  }
  private instanceOf(name: string | undefined): Instance {
    const found = name === undefined ? this.current : this.named.get(name);
    return found ?? fail(`no instance ${name}`);
  }
  private act(command: Command): Outcome {
    const action = command.action ?? fail("no action");
    const extern = this.instanceOf(action.module).exports.get(action.field);
    if (extern?.kind === "global") return { results: [readGlobal(this.store, extern)] };
    if (extern?.kind !== "function") return fail(`no export ${action.field}`);
    return invoke(this.store, extern, (action.args ?? []).map(bitsOf));
  }
  private assertReturn(command: Command): void {
    const outcome = this.act(command);
    if ("trap" in outcome) fail(`trapped: ${outcome.trap}`);
    const expected = command.expected ?? [];
    if (outcome.results.length !== expected.length) fail("wrong number of results");
    for (const [index, value] of expected.entries()) {
      const bits = outcome.results[index] ?? 0n;
      if (!matches(bits, value)) {
        fail(`result ${index} is 0x${bits.toString(16)}, expected ${value.type} ${value.value}`);
      }
    }
  }
  private assertTrap(command: Command): void {
    const text = command.text ?? "";
    const expected = TRAPS[text] ?? text;
    const outcome = this.act(command);
    const found = "trap" in outcome ? outcome.trap : "no trap";
    if (found !== expected) fail(`${found}, expected ${expected}`);
  }
  private assertInvalid(command: Command): void {
    try {
      this.load(command);
    } catch {
      return;
    }
    fail(`valid, expected ${command.text}`);
  }
  private assertNoInstance(command: Command, kind: typeof LinkError | typeof TrapError): void {
    const module = this.load(command);
    try {
      this.instantiate(module);
    } catch (error) {
      const text = command.text ?? "";
      const expected = TRAPS[text] ?? text;
      if (error instanceof kind && error.message.startsWith(expected)) return;
      throw error;
    }
    fail(`instantiated, expected ${command.text}`);
  }
}

/** References: null is 0, `ref.extern n` is n + 1. */
function bitsOf(value: JsonValue): bigint {
  if (value.type === "externref" || value.type === "funcref") {
    return value.value === "null" ? 0n : BigInt(value.value ?? 0) + 1n;
  }
  return BigInt(value.value ?? 0);
}

function matches(found: bigint, expected: JsonValue): boolean {
  const { type, value } = expected;
  const wide = type !== "i32" && type !== "f32";
  const bits = BigInt.asUintN(wide ? 64 : 32, found);
  if (value === "nan:canonical" || value === "nan:arithmetic") {
    // Wasm core 2.0 §2.2.3: canonical has only the top bit of the payload, arithmetic at least it.
    const payload = wide ? 52n : 23n;
    const quiet = ((wide ? 0x7ffn : 0xffn) << payload) | (1n << (payload - 1n));
    const magnitude = BigInt.asUintN(wide ? 63 : 31, bits);
    return value === "nan:canonical" ? magnitude === quiet : (magnitude & quiet) === quiet;
  }
  return bits === BigInt.asUintN(wide ? 64 : 32, bitsOf(expected));
}

/** Runs all commands in the JSON file at `path`. */
export function runFile(path: string): FileReport {
  const { commands } = JSON.parse(readFileSync(path, "utf8")) as { commands: Command[] };
  const script = new Script(dirname(path));
  const failures: { line: number; message: string }[] = [];
  let passed = 0;
  let textOnly = 0;
  for (const command of commands) {
    if (command.module_type === "text") {
      textOnly++;
      continue;
    }
    try {
      script.run(command);
      passed++;
    } catch (error) {
      failures.push({
        line: command.line,
        message: error instanceof Error ? `${error.message}` : String(error),
      });
    }
  }
  return { failures, passed, textOnly };
}
