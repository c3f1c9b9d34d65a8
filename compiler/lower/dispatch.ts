/** Ties the parts of lowering together, which otherwise would import each other in circles. */
import { lowerEffect, lowerLongExpression, lowerTextExpression } from "./expression.js";
import type { Dispatch } from "./scope.js";
import { lowerStatement } from "./statement.js";

/** The lowering of every kind of code. */
export const DISPATCH: Dispatch = {
  long: lowerLongExpression,
  text: lowerTextExpression,
  effect: lowerEffect,
  statement: lowerStatement,
};
