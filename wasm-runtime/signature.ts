/** Function types in the letters of library-abi.ts and host.ts: `parameters>results`. */
import type { FunctionType, ValueType } from "./module/module.js";

const LETTERS: Readonly<Record<ValueType, string>> = {
  i32: "i",
  i64: "l",
  f32: "f",
  f64: "d",
  funcref: "r",
  externref: "r",
};

/** `type` as e.g. "il>l"; "?" if there is none. */
export function showSignature(type: FunctionType | undefined): string {
  if (type === undefined) return "?";
  const show = (list: readonly ValueType[]): string => list.map((each) => LETTERS[each]).join("");
  return `${show(type.params)}>${show(type.results)}`;
}
