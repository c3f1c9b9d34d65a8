/** Whether messages on standard error are coloured. */
import type { Options } from "./options.js";

/** --color decides; `auto` looks at NO_COLOR, TERM and whether standard error is a terminal. */
export function useColor(when: Options["color"]): boolean {
  if (when !== "auto") return when === "always";
  const { NO_COLOR, TERM } = process.env;
  return NO_COLOR === undefined && TERM !== "dumb" && process.stderr.isTTY === true;
}
