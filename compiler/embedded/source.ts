/**
 * The AssemblyScript module of a program: its top-level code as it is, then for each block a
 * function with the code in it and an exported one that generated code calls. Takes the blocks;
 * gives the text, and finds the place in the script of a place in the text.
 */
import type { Span } from "../../base/position.js";
import type { ConstExpression, EmbeddedCode } from "../syntax/ast.js";
import type { ScalarType } from "../types/program.js";
import { type Accessor, type BlockParameter, type EmbeddedBlock, spanOfCode } from "./block.js";

/** A module of AssemblyScript made from the code of a script. */
export interface EmbeddedSource {
  readonly text: string;
  /** Place in the script of the part [start, end) of the text, or of the block around it. */
  spanOf(start: number, end: number): Span | null;
}

/** The module of `top` and `blocks`. */
export function buildSource(
  top: readonly EmbeddedCode[],
  blocks: readonly EmbeddedBlock[],
): EmbeddedSource {
  const writer = createWriter();
  writer.add(`import { ${IMPORTS.join(", ")} } from "./wastap";\n`);
  const accessors = new Map(blocks.flatMap((b) => b.accessors).map((a) => [a.name, a]));
  for (const accessor of accessors.values()) writer.add(accessorText(accessor));
  for (const node of top) {
    writer.code(node);
    writer.add("\n");
  }
  for (const block of blocks) writeBlock(block, writer);
  return writer.finish();
}

/** Everything in tapsets/embedded/wastap.ts that the module can use. */
const IMPORTS = [
  ...["print", "println", "error", "warn", "exit", "next"],
  ...["read", "readOrZero", "readString", "write", "register"],
  ...["pid", "tid", "uid", "cpu", "execname", "gettimeofday_ns", "monotonic_ns"],
  ...[
    "context as $context",
    "widen as $widen",
    "narrow as $narrow",
    "give as $give",
    "room as $room",
  ],
];

/** Words that AssemblyScript does not take as a name: a parameter of that name gets a `_`. */
const RESERVED = new Set(
  (
    "abstract as break case catch class const continue declare default delete do else enum export " +
    "extends false final finally for from function get if implements import in instanceof " +
    "interface is keyof let module namespace new null of override package private protected " +
    "public readonly return set static super switch this throw true try type typeof var void " +
    "while with yield i8 i16 i32 i64 u8 u16 u32 u64 isize usize f32 f64 bool boolean string v128"
  ).split(" "),
);

interface Writer {
  add(text: string): void;
  /** Adds the code of `node` and remembers its place. */
  code(node: EmbeddedCode | ConstExpression): void;
  finish(): EmbeddedSource;
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly node: EmbeddedCode | ConstExpression;
}

function createWriter(): Writer {
  const pieces: Piece[] = [];
  let text = "";
  return {
    add(more) {
      text += more;
    },
    code(node) {
      pieces.push({ start: text.length, end: text.length + node.code.length, node });
      text += node.code;
    },
    finish: () => ({ text, spanOf: (start, end) => spanIn(pieces, start, end) }),
  };
}

/** A place between two blocks is in what was written around the nearest one. */
function spanIn(pieces: readonly Piece[], start: number, end: number): Span | null {
  const inside = pieces.find((piece) => piece.start <= start && start < piece.end);
  if (inside !== undefined) {
    const length = Math.min(end, inside.end) - start;
    return spanOfCode(inside.node, start - inside.start, length);
  }
  const nearest = pieces.findLast((piece) => piece.start <= start) ?? pieces[0];
  return nearest?.node.span ?? null;
}

function writeBlock(block: EmbeddedBlock, writer: Writer): void {
  const { name } = block.reference;
  const names = block.parameters.map(parameterName);
  const typed = block.parameters.map((p, i) => `${names[i]}: ${valueType(p.type)}`);
  writer.add(`function $${name}(${typed.join(", ")}): ${valueType(block.result)} {`);
  if (block.form === "expression") {
    writer.add(block.result === "long" ? "return <i64>(" : "return (");
    writer.code(block.node);
    writer.add("\n);}\n");
  } else {
    writer.code(block.node);
    writer.add(`\n${DEFAULT_RETURN[block.result]}}\n`);
  }
  const raw = block.parameters.map((p, i) => `${names[i]}: ${rawType(p.type)}`);
  const given = block.parameters.map((p, i) => fromRaw(p.type, names[i] ?? ""));
  const call = `$${name}(${given.join(", ")})`;
  if (block.result === "string") {
    const parameters = [...raw, "$out: usize"].join(", ");
    writer.add(`export function ${name}(${parameters}): void { $give($out, ${call}); }\n`);
  } else {
    const result = block.result === "long" ? "i64" : "void";
    writer.add(`export function ${name}(${raw.join(", ")}): ${result} { return ${call}; }\n`);
  }
}

/** As in C, what does not return a value gives 0 or "". */
const DEFAULT_RETURN = { long: "return 0;", string: 'return "";', void: "" } as const;

function parameterName({ name }: BlockParameter): string {
  return RESERVED.has(name) ? `${name}_` : name;
}

function accessorText(accessor: Accessor): string {
  const { name, parameters, result } = accessor;
  const names = parameters.map((_, i) => `p${i}`);
  const raw = parameters.map((p, i) => `${names[i]}: ${rawType(p.type)}`);
  const out = result === "string" ? ["out: usize"] : [];
  const declared = ["context: usize", ...raw, ...out].join(", ");
  const typed = parameters.map((p, i) => `${names[i]}: ${valueType(p.type)}`).join(", ");
  const given = parameters.map((p, i) => toRaw(p.type, names[i] ?? ""));
  const call = `$${name}(${["$context()", ...given, ...(out.length > 0 ? ["out"] : [])].join(", ")})`;
  const lines = [
    `@external("script", "${name}") declare function $${name}(${declared}): ${result === "long" ? "i64" : "void"};`,
    result === "string"
      ? `function ${name}(${typed}): string { const out = $room(); ${call}; return $widen(out); }`
      : `function ${name}(${typed}): ${valueType(result)} { return ${call}; }`,
  ];
  return `${lines.join("\n")}\n`;
}

function valueType(type: ScalarType | "void"): string {
  return type === "long" ? "i64" : type;
}

function rawType(type: ScalarType): string {
  return type === "long" ? "i64" : "usize";
}

function fromRaw(type: ScalarType, value: string): string {
  return type === "long" ? value : `$widen(${value})`;
}

function toRaw(type: ScalarType, value: string): string {
  return type === "long" ? value : `$narrow(${value})`;
}
