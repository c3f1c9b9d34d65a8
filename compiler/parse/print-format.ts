/**
 * Formats of printf and sprintf → pieces (language.md §10). Directives are found before escapes are
 * decoded: `\\x25d` prints "%d".
 */
import type { PrintPiece } from "../syntax/ast.js";
import { decodeEscapes } from "./escapes.js";

const CONVERSION = /%([-0+ #]?)(\*|[0-9]*)(?:(\.)(\*|[0-9]*))?(l?)([diuoxXpcsbmM]?)/y;

/** The only unfinished conversions that are allowed, at the end of a format; they print a `%`. */
const EMPTY = /^%(?:\.|l|\.l)$/;

type Conversion = Extract<PrintPiece, { kind: "conversion" }>;

/** Pieces of `format`, the inside of a literal; or the code of what is wrong with it. */
export function parseFormat(
  format: string,
): readonly PrintPiece[] | "bad-conversion" | "trailing-conversion" {
  const pieces: PrintPiece[] = [];
  let text = "";
  for (let position = 0; position < format.length; ) {
    const percent = format.indexOf("%", position);
    if (percent < 0 || format[percent + 1] === "%") {
      const end = percent < 0 ? format.length : percent + 1;
      text += format.slice(position, end);
      position = percent < 0 ? end : end + 1;
      continue;
    }
    text += format.slice(position, percent);
    CONVERSION.lastIndex = percent;
    const found = CONVERSION.exec(format);
    if (EMPTY.test(format.slice(percent))) {
      text += "%";
      break;
    }
    if (found === null || found[6] === "") return faultOf(format, found);
    if (text !== "") pieces.push(textOf(text));
    text = "";
    pieces.push(conversionOf(found));
    position = CONVERSION.lastIndex;
  }
  if (text !== "") pieces.push(textOf(text));
  return pieces;
}

function textOf(raw: string): PrintPiece {
  return { kind: "text", text: decodeEscapes(raw) };
}

function faultOf(
  format: string,
  found: RegExpExecArray | null,
): "bad-conversion" | "trailing-conversion" {
  const incomplete = found !== null && found[0].length > 1;
  return incomplete && found.index + found[0].length === format.length
    ? "trailing-conversion"
    : "bad-conversion";
}

function conversionOf(found: RegExpExecArray): Conversion {
  const [, flag, width, , precision, , conversion] = found;
  return {
    kind: "conversion",
    conversion: conversion as Conversion["conversion"],
    flag: (flag || null) as Conversion["flag"],
    width: amount(width ?? ""),
    precision: amount(precision ?? ""),
  };
}

/** A width or precision: of 32 bits with a sign, as SystemTap has it; below 0 it is none. */
function amount(text: string): number | "*" | null {
  if (text === "*") return "*";
  const value = Number(BigInt.asIntN(32, BigInt(text)));
  return text === "" || value < 0 ? null : value;
}
