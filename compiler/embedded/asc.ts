/**
 * Runs the AssemblyScript compiler in a process of its own: it is asynchronous and takes half a
 * second to load, the compiler of scripts is neither. Takes sources by name; gives a Wasm module,
 * or what the compiler says, or that it is not installed.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Package that has the compiler, as imported. */
const ASC = "assemblyscript/asc";

/** What to compile. */
export interface AscRequest {
  /** Text of each module by file name; `script.ts` is the one that is compiled. */
  readonly sources: Readonly<Record<string, string>>;
  /** Text that replaces the allocator of the `stub` runtime. */
  readonly runtime: string;
  /** Address of the first static data. */
  readonly memoryBase: number;
  /** Module specifier of the compiler, ASC by default. */
  readonly compiler?: string;
}

/** An error that the compiler found; offsets in the text of the file, null if it has no place. */
export interface AscMessage {
  readonly text: string;
  readonly file: string | null;
  readonly start: number;
  readonly end: number;
}

/** What came of it; `failed` without messages never happens. */
export type AscAnswer =
  | { readonly kind: "compiled"; readonly wasm: Uint8Array }
  | { readonly kind: "failed"; readonly messages: readonly AscMessage[] }
  | { readonly kind: "missing" };

/** The answer as the worker writes it: JSON, with the module in base64. */
export type WorkerAnswer =
  | { readonly kind: "compiled"; readonly base64: string }
  | Exclude<AscAnswer, { readonly kind: "compiled" }>;

/** Compiles `request`. */
export function runAsc(request: AscRequest): AscAnswer {
  const worker = fileURLToPath(new URL("./asc-worker.js", import.meta.url));
  const done = spawnSync(process.execPath, [worker], {
    input: JSON.stringify({ compiler: ASC, ...request }),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (done.status !== 0) {
    const reason = done.error?.message ?? done.stderr.trim().split("\n").at(-1) ?? "";
    const text = `the AssemblyScript compiler failed: ${reason}`;
    return { kind: "failed", messages: [{ text, file: null, start: 0, end: 0 }] };
  }
  const answer = JSON.parse(done.stdout) as WorkerAnswer;
  if (answer.kind !== "compiled") return answer;
  return { kind: "compiled", wasm: Uint8Array.from(Buffer.from(answer.base64, "base64")) };
}
