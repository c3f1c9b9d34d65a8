/** All probe families; a new one is a file with a table, and a line here. */
import { CODE_FAMILIES } from "./process-code.js";
import { EVENT_FAMILIES } from "./process-events.js";
import { MARK_FAMILIES } from "./process-marks.js";
import { SESSION_FAMILIES } from "./session-points.js";
import type { FamilyTable } from "./site.js";
import { UNSUPPORTED_FAMILIES } from "./unsupported-points.js";

/** Patterns of every point that SystemTap has for user space, with what makes sites of them. */
export const FAMILIES: FamilyTable = [
  ...SESSION_FAMILIES,
  ...EVENT_FAMILIES,
  ...CODE_FAMILIES,
  ...MARK_FAMILIES,
  ...UNSUPPORTED_FAMILIES,
];
