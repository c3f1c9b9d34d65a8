/**
 * Strings of `$variables`: names known when compiling, and texts of values ($$vars, `$x$`). A text
 * that cannot read memory is replaced as a whole where its Location says so.
 */
import { bug } from "../../base/assert.js";
import { CONTEXT, PROCFS } from "../../wasm-runtime/layout/memory.js";
import { TEXT_SPEC } from "../../wasm-runtime/library-abi.js";
import { binary, get, i32, i64 } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Expression } from "../syntax/ast.js";
import {
  type EnumeratorNames,
  type FormatPiece,
  type Location,
  partsOf,
} from "../types/location.js";
import { type Evaluation, evaluate, evaluationOf, onBranch } from "./location.js";
import { callLibrary, keep, literal, type Scope, type Text, takeFrame, takeText } from "./scope.js";

type Format = Location & { kind: "format" };

/** String at the location of `node`. */
export function lowerLocationText(location: Location, scope: Scope, node: Expression): Text {
  const evaluation = evaluationOf(location, node, scope);
  for (const operand of operandsIn(location)) {
    evaluation.known.set(operand, keep(scope, evaluate(operand, evaluation)));
  }
  return textAt(location, evaluation);
}

/** Script expressions are evaluated before the text is begun: they may make texts themselves. */
function operandsIn(location: Location): readonly Location[] {
  const seen = new Set([location]);
  for (const part of seen) for (const inner of partsOf(part)) seen.add(inner);
  return [...seen].filter(({ kind }) => kind === "operand");
}

function textAt(location: Location, evaluation: Evaluation): Text {
  const { scope } = evaluation;
  if (location.kind === "text") return literal(scope, location.text);
  if (location.kind === "procfs") {
    return { address: i32(scope.unit.plan.procfs + PROCFS.text), origin: "variable" };
  }
  if (location.kind !== "format") return bug("number used as text");
  return location.onFault === null
    ? makeText(location, evaluation)
    : textOrFault(location, location.onFault, evaluation);
}

/** The text, or `onFault` if something in it cannot be read. */
function textOrFault(location: Format, onFault: string, evaluation: Evaluation): Text {
  const { scope } = evaluation;
  const { code } = scope;
  const result = code.temporary("i32");
  const caught = code.label("caught");
  const done = code.label("done");
  const outer = scope.onError;
  code.block(done, () => {
    code.block(caught, () => {
      scope.onError = caught;
      code.set(result, makeText(location, onBranch(evaluation)).address);
      scope.onError = outer;
      code.branch(done);
    });
    code.store("i32.store", scope.context, CONTEXT.error, i32(0));
    code.store("i32.store", scope.context, CONTEXT.trailCount, i32(0));
    code.set(result, literal(scope, onFault).address);
  });
  return { address: get(result), origin: "temporary" };
}

function makeText(location: Format, evaluation: Evaluation): Text {
  const { scope } = evaluation;
  const parts = location.pieces.map((piece) => preparePiece(piece, evaluation));
  const out = takeText(scope);
  callLibrary(scope, "text_begin", [scope.context, out.address]);
  for (const append of parts) append();
  callLibrary(scope, "text_end", [scope.context]);
  return out;
}

/** Reads what `piece` shows; what is given appends it to the text that is begun afterwards. */
function preparePiece(piece: FormatPiece, evaluation: Evaluation): () => void {
  const { scope } = evaluation;
  if ("text" in piece) return appendText(literal(scope, piece.text), scope);
  if ("nested" in piece) return appendText(textAt(piece.nested, evaluation), scope);
  if ("needed" in piece) {
    keep(scope, evaluate(piece.needed, evaluation));
    return () => undefined;
  }
  if ("words" in piece) return appendText(quotedWords(piece.words, evaluation), scope);
  const value = keep(scope, evaluate(piece.value, evaluation));
  switch (piece.conversion) {
    case "string":
      return appendText(userString(value, scope), scope);
    case "name":
      return appendText(nameOf(value, piece.names, scope), scope);
    case "quoted":
      return appendText(quotedString(value, piece.most, scope), scope);
    default: {
      const spec = i32(specOf(piece.conversion));
      const args = [scope.context, value, spec, i32(-1), i32(-1)];
      return () => callLibrary(scope, "text_long", args);
    }
  }
}

function nameOf(value: IrExpression, names: EnumeratorNames, scope: Scope): Text {
  const { code } = scope;
  const result = code.temporary("i32");
  const done = code.label("named");
  code.block(done, () => {
    for (const [each, name] of names) {
      code.when(binary("i64.eq", value, i64(each)), () => {
        code.set(result, literal(scope, name).address);
        code.branch(done);
      });
    }
    const out = takeText(scope);
    callLibrary(scope, "text_begin", [scope.context, out.address]);
    callLibrary(scope, "text_long", [scope.context, value, i32(specOf("d")), i32(-1), i32(-1)]);
    callLibrary(scope, "text_end", [scope.context]);
    code.set(result, out.address);
  });
  return { address: get(result), origin: "temporary" };
}

function specOf(conversion: "d" | "u" | "x" | "p" | "c"): number {
  const alternate = conversion === "x" || conversion === "c" ? TEXT_SPEC.alternate : 0;
  return conversion.charCodeAt(0) | alternate;
}

function appendText(text: Text, scope: Scope): () => void {
  return () => callLibrary(scope, "text_literal", [scope.context, text.address]);
}

function userString(address: IrExpression, scope: Scope): Text {
  const out = takeText(scope);
  const fallback = literal(scope, "<unknown>").address;
  const args = [scope.context, address, i64(-1n), fallback, out.address];
  callLibrary(scope, "user_string_or", args);
  return out;
}

function quotedString(address: IrExpression, most: number | null, scope: Scope): Text {
  const out = takeText(scope);
  const limit = i64(BigInt(most ?? -1));
  callLibrary(scope, "user_string_quoted", [scope.context, address, limit, out.address]);
  return out;
}

/** The string in the bytes of `words`, of 8 bytes each, little-endian. */
function quotedWords(words: readonly Location[], evaluation: Evaluation): Text {
  const { scope } = evaluation;
  const bytes = takeFrame(scope, 8 * words.length + 8);
  const values = words.map((word) => keep(scope, evaluate(word, evaluation)));
  for (const [index, value] of [...values, i64(0n)].entries()) {
    scope.code.store("i64.store", bytes, 8 * index, value);
  }
  const out = takeText(scope);
  callLibrary(scope, "text_strn", [scope.context, bytes, i64(0n), i64(1n), out.address]);
  return out;
}
