/**
 * Embedded code: AssemblyScript between %{ and %}. Takes the blocks that generated code calls and
 * the top-level code; gives functions and data for the bundle, or reports what is wrong at its
 * place in the script. Requires the package `assemblyscript`, which nothing else loads.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bug } from "../../base/assert.js";
import type { Diagnostic } from "../../base/diagnostic.js";
import type { Span } from "../../base/position.js";
import { PACKAGE_ROOT } from "../../base/root.js";
import { decodeModule } from "../../wasm-runtime/module/decode.js";
import type { WasmModule } from "../../wasm-runtime/module/module.js";
import type { ConstExpression, EmbeddedCode } from "../syntax/ast.js";
import { type AscMessage, type AscRequest, runAsc } from "./asc.js";
import { type EmbeddedBlock, spanOfCode } from "./block.js";
import { findC } from "./c-code.js";
import { findMisuse, type LinkedCode, type LinkSettings, linkModule, type Misuse } from "./link.js";
import { buildSource, type EmbeddedSource } from "./source.js";

/** The embedded code of a program. */
export interface EmbeddedProgram {
  /** Top-level code, in order. */
  readonly top: readonly EmbeddedCode[];
  readonly blocks: readonly EmbeddedBlock[];
}

/** What embedded code is compiled for. */
export interface EmbeddedOptions {
  /** True if scripts may write to the process (-g). */
  readonly guru: boolean;
  /** First free address for static data. */
  readonly dataStart: number;
  readonly settings: Omit<LinkSettings, "dataEnd">;
  /** Module specifier of the compiler, for tests. */
  readonly compiler?: string;
  report(diagnostic: Diagnostic): void;
}

/** Compiles and links `program`; null after reporting what is wrong. */
export function compileEmbedded(
  program: EmbeddedProgram,
  options: EmbeddedOptions,
): LinkedCode | null {
  const nodes = [...program.top, ...program.blocks.map((block) => block.node)];
  const isC = nodes.map((node) => reportC(node, options)).includes(true);
  if (isC) return null;
  const source = buildSource(program.top, program.blocks);
  const module = compile(source, nodes, options);
  if (module === null || !checkMisuse(module, program.blocks, options)) return null;
  const accessors = program.blocks.flatMap((block) => block.accessors);
  const script = new Map(accessors.map(({ name, reference }) => [name, reference]));
  const references = program.blocks.map((block) => block.reference);
  const dataEnd = Math.max(options.dataStart, ...module.data.map(dataEndOf));
  return linkModule(module, references, script, { ...options.settings, dataEnd });
}

function dataEndOf({ mode, bytes }: WasmModule["data"][number]): number {
  const [offset] = mode.kind === "active" ? mode.offset : [];
  return offset?.op === "i32.const" ? offset.value + bytes.length : 0;
}

type Code = EmbeddedCode | ConstExpression;

/** True after reporting that `node` is written in C. */
function reportC(node: Code, options: EmbeddedOptions): boolean {
  const found = findC(node.code);
  for (const { start, length, message } of found) {
    report(options, message, spanOfCode(node, start, length));
  }
  return found.length > 0;
}

function compile(
  source: EmbeddedSource,
  nodes: readonly Code[],
  options: EmbeddedOptions,
): WasmModule | null {
  const request: AscRequest = {
    sources: { "script.ts": source.text, "wastap.ts": readModule("wastap.ts") },
    runtime: readModule("runtime.ts"),
    memoryBase: options.dataStart,
    ...(options.compiler === undefined ? {} : { compiler: options.compiler }),
  };
  const answer = runAsc(request);
  if (answer.kind === "compiled") return decodeModule(answer.wasm);
  const first = nodes[0]?.span ?? null;
  if (answer.kind === "missing") report(options, MISSING, first);
  else {
    for (const message of answer.messages) {
      const span = message.file === "script.ts" ? source.spanOf(message.start, message.end) : first;
      report(options, describe(message), span);
    }
  }
  return null;
}

const MISSING =
  "embedded code needs the package 'assemblyscript', which is not installed: run 'npm install -g assemblyscript@0.28'";

function readModule(name: string): string {
  return readFileSync(join(PACKAGE_ROOT, "tapsets", "embedded", name), "utf8");
}

/** The message of the compiler, with what it cannot know. */
function describe({ text }: AscMessage): string {
  const plain = text.replace(/\.$/, "");
  const [, access, name] = /^Cannot find name '(get|set|add)_(\w+)'/.exec(plain) ?? [];
  if (name === undefined) return `embedded code: ${plain}`;
  const pragma = `/* pragma:${access === "get" ? "read" : "write"}:${name} */`;
  return `embedded code: ${plain} (a global needs the comment ${pragma})`;
}

const FORBIDDEN: Readonly<Record<Misuse, string>> = {
  "floating point":
    "floating point is not available in embedded code (handlers leave vector registers alone): use integers",
  "function values": "functions as values are not available in embedded code: call them by name",
  memory: "embedded code cannot change the size of memory or wait",
  start: "a variable of the top level must begin with a constant",
  write: "embedded code that writes to the process needs -g",
};

/** Where a misuse shows in source text. */
const TRACES: { readonly [misuse in Misuse]?: RegExp } = {
  "floating point": /\b(f32|f64|number|Math\w*|Number|parseFloat|parseInt|NaN|Infinity)\b|\d\.\d/,
  memory: /\bmemory\.grow\b/,
  write: /\bwrite\b/,
};

/** True if no block does what it must not, after reporting those that do. */
function checkMisuse(
  module: WasmModule,
  blocks: readonly EmbeddedBlock[],
  options: EmbeddedOptions,
): boolean {
  const found = findMisuse(module);
  let isFine = true;
  for (const { node, reference } of blocks) {
    const misuses = found.get(reference.name) ?? bug(`no export '${reference.name}'`);
    for (const misuse of misuses) {
      const isGranted = options.guru || node.span.file.library;
      if (misuse === "write" && isGranted) continue;
      isFine = false;
      report(options, FORBIDDEN[misuse], placeOf(misuse, node));
    }
  }
  return isFine;
}

function placeOf(misuse: Misuse, node: Code): Span {
  const match = TRACES[misuse]?.exec(node.code);
  return match ? spanOfCode(node, match.index, match[0].length) : node.span;
}

function report(options: EmbeddedOptions, message: string, span: Span | null): void {
  options.report({
    code: "embedded-code",
    severity: "semantic error",
    message,
    span,
    token: "embedded-code",
    notes: [],
  });
}
