/** Which variables debug information puts into the frame of their function, for good or in parts. */
import type { DebugInfo } from "./debug-info.js";
import type { Die } from "./die.js";

/** True if debug information says that a variable is at one place in the frame all the time. */
export function isAlwaysInFrame(info: DebugInfo, die: Die): boolean {
  const [place] = info.locations(die.id, "location");
  return !isListed(info, die) && place?.operations[0]?.atom === "fbreg";
}

/** True if the place of a variable is known by a list, for parts of the code. */
export function isListed(info: DebugInfo, die: Die): boolean {
  const places = info.locations(die.id, "location");
  return (
    places.length > 1 || (places[0]?.end ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY
  );
}
