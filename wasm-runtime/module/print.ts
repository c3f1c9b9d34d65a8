/**
 * Shows a WasmModule as text in the manner of the WebAssembly text format: one line for each
 * item or instruction, indices instead of names, stable from run to run. For people and goldens.
 */
import type {
  BlockType,
  FunctionType,
  Import,
  Instruction,
  Limits,
  WasmFunction,
  WasmModule,
} from "./module.js";
import { functionTypeIndices, importsOf } from "./module.js";

/** The whole module. */
export function showModule(module: WasmModule): string {
  const lines = ["(module"];
  for (const [index, type] of module.types.entries()) {
    lines.push(`  (type ${index} (func${showSignature(type)}))`);
  }
  for (const item of module.imports) lines.push(`  ${showImport(item)}`);
  for (const table of module.tables) lines.push(`  (table ${showLimits(table)} ${table.element})`);
  for (const memory of module.memories) {
    lines.push(`  (memory ${showLimits(memory)}${memory.shared ? " shared" : ""})`);
  }
  for (const g of module.globals) {
    const type = g.mutable ? `(mut ${g.type})` : g.type;
    lines.push(`  (global ${type} ${showExpression(g.init)})`);
  }
  for (const e of module.exports) {
    lines.push(`  (export ${JSON.stringify(e.name)} (${e.kind} ${e.index}))`);
  }
  if (module.start !== null) lines.push(`  (start ${module.start})`);
  const imported = importsOf(module, "function").length;
  const types = functionTypeIndices(module);
  for (const [index, f] of module.functions.entries()) {
    const type = module.types[types[imported + index] ?? 0] ?? { params: [], results: [] };
    lines.push(...functionLines(f, imported + index, type));
  }
  lines.push(...segmentLines(module));
  for (const custom of module.custom) {
    lines.push(`  (custom ${JSON.stringify(custom.name)} ${custom.bytes.length} bytes)`);
  }
  return `${lines.join("\n")})\n`;
}

function segmentLines(module: WasmModule): string[] {
  const lines: string[] = [];
  for (const { mode, type, items } of module.elements) {
    const place =
      mode.kind === "active" ? `(table ${mode.table}) ${showExpression(mode.offset)}` : mode.kind;
    lines.push(`  (elem ${place} ${type} ${items.map(showExpression).join(" ")})`);
  }
  for (const { mode, bytes } of module.data) {
    const place = mode.kind === "active" ? `${showExpression(mode.offset)} ` : "";
    lines.push(`  (data ${place}"${showBytes(bytes)}")`);
  }
  return lines;
}

function functionLines(f: WasmFunction, index: number, type: FunctionType): string[] {
  const locals = f.locals.length > 0 ? ` (local ${f.locals.join(" ")})` : "";
  const lines = [`  (func ${index}${showSignature(type)}${locals}`];
  let depth = 2;
  for (const instruction of f.body) {
    const { op } = instruction;
    if (op === "end" || op === "else") depth--;
    lines.push(`${"  ".repeat(depth)}${showInstruction(instruction)}`);
    if (op === "block" || op === "loop" || op === "if" || op === "else") depth++;
  }
  return [...lines.slice(0, -1), `${lines.at(-1)})`];
}

/** One instruction with its immediates. */
export function showInstruction(i: Instruction): string {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(i)) {
    if (name === "op") continue;
    if (name === "type" && isBlock(i)) fields.push(showBlockType(i.type));
    else if (name === "offset" || name === "align") {
      if (name === "offset" && value !== 0) fields.push(`offset=${value}`);
    } else if (Array.isArray(value)) fields.push(value.join(" "));
    else fields.push(name === "bits" ? `0x${value.toString(16)}` : String(value));
  }
  return [i.op, ...fields.filter((f) => f !== "")].join(" ");
}

function isBlock(i: Instruction): i is Extract<Instruction, { op: "block" | "loop" | "if" }> {
  return i.op === "block" || i.op === "loop" || i.op === "if";
}

function showBlockType(type: BlockType): string {
  if (type === null) return "";
  return typeof type === "string" ? `(result ${type})` : `(type ${type.type})`;
}

function showExpression(body: readonly Instruction[]): string {
  return `(${body.map(showInstruction).join(" ")})`;
}

function showSignature(type: FunctionType): string {
  const params = type.params.length > 0 ? ` (param ${type.params.join(" ")})` : "";
  return type.results.length > 0 ? `${params} (result ${type.results.join(" ")})` : params;
}

function showLimits(limits: Limits): string {
  return limits.maximum === null ? `${limits.minimum}` : `${limits.minimum} ${limits.maximum}`;
}

function showImport(item: Import): string {
  const name = `${JSON.stringify(item.module)} ${JSON.stringify(item.name)}`;
  if (item.kind === "function") return `(import ${name} (func (type ${item.type})))`;
  if (item.kind === "table") {
    return `(import ${name} (table ${showLimits(item.table)} ${item.table.element}))`;
  }
  if (item.kind === "memory") {
    const shared = item.memory.shared ? " shared" : "";
    return `(import ${name} (memory ${showLimits(item.memory)}${shared}))`;
  }
  const { type, mutable } = item.global;
  return `(import ${name} (global ${mutable ? `(mut ${type})` : type}))`;
}

function showBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (b) =>
    b >= 0x20 && b < 0x7f && b !== 0x22 && b !== 0x5c
      ? String.fromCharCode(b)
      : `\\${b.toString(16).padStart(2, "0")}`,
  ).join("");
}
