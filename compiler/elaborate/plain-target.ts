/** What `$variables` that are no variables of a program have in common: no members, no elements. */
import type { AccessStep, TargetSymbol } from "../syntax/ast.js";
import { ResolutionError } from "./report.js";

/** Throws ResolutionError if something is asked of `symbol`, a variable of `family`, beyond its value. */
export function checkPlain(symbol: TargetSymbol, family: string): void {
  const [step] = symbol.steps;
  if (step === undefined) return;
  const message = `${family} variable '${symbol.name}' may not be ${MISUSE[step.kind]}`;
  throw new ResolutionError("unresolved-target", message, symbol);
}

const MISUSE: Readonly<Record<AccessStep["kind"], string>> = {
  member: "used as a structure",
  element: "used as an array",
  pretty: "pretty-printed",
};
