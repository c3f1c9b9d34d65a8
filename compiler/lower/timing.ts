/** -t: the time that a handler takes, added to statistics when it ends, however that comes. */
import { binary, get, i64 } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Global } from "../types/program.js";
import { callForValue, isNonZero, type Scope } from "./scope.js";
import { addToShard } from "./stat.js";

/** What to emit where. */
export interface Timing {
  /** Before everything: the handler has not begun. */
  reset(): void;
  /** Where its conditions hold. */
  begin(): void;
  /** Where all its ways meet. */
  finish(): void;
}

/** Measures the handler of `scope` for the statistics `global`. */
export function openTiming(global: Global, scope: Scope): Timing {
  const { code } = scope;
  const begun = code.local("begun", "i64");
  const now = (): IrExpression => callForValue(scope, "monotonic_ns", [scope.context]);
  return {
    reset: () => code.set(begun, i64(0n)),
    begin: () => code.set(begun, now()),
    finish: () =>
      code.when(isNonZero(get(begun)), () =>
        addToShard(global, binary("i64.sub", now(), get(begun)), scope),
      ),
  };
}
