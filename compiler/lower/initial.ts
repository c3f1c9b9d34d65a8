/** Initial values of globals: from the script, or from -G NAME=VALUE. */
import type { Diagnostic } from "../../base/diagnostic.js";
import type { Global, Program } from "../types/program.js";

/** Initial values that are not 0 or ""; reports values of -G that do not fit. */
export function initialValues(
  program: Program,
  overrides: ReadonlyMap<string, string>,
  report: (diagnostic: Diagnostic) => void,
): ReadonlyMap<Global, bigint | string> {
  const values = new Map<Global, bigint | string>();
  for (const global of program.globals) {
    const override = overrides.get(global.name);
    if (override !== undefined && !global.library) {
      const value = parseOverride(global, override, report);
      if (value !== null) values.set(global, value);
    } else if (global.initial !== null) {
      values.set(global, global.initial.value);
    }
  }
  return values;
}

function parseOverride(
  global: Global,
  text: string,
  report: (diagnostic: Diagnostic) => void,
): bigint | string | null {
  if (global.keys.length === 0 && global.type === "string") {
    return /^".*"$/s.test(text) ? text.slice(1, -1) : text;
  }
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  if (global.keys.length === 0 && global.type === "long" && match?.[2] !== undefined) {
    return match[1] === "-" ? -parseDigits(match[2]) : parseDigits(match[2]);
  }
  const expected = global.keys.length > 0 ? "only scalars can be set" : "expected a number";
  report({
    code: "global-override",
    severity: "semantic error",
    message: `-G ${global.name}=${text}: ${global.type === "stats" ? "only scalars can be set" : expected}`,
    span: global.span,
    token: "identifier",
    notes: [],
  });
  return null;
}

/** Digits as strtoll with base 0 takes them: 0x hexadecimal, 0 octal. */
function parseDigits(digits: string): bigint {
  return /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
}
