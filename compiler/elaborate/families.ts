/** All probe families; a new one is a file with a table, and a line here. */
import { NETFILTER_FAMILIES } from "./netfilter-points.js";
import { PERF_FAMILIES } from "./perf-points.js";
import { ABSOLUTE_FAMILIES } from "./process-absolute.js";
import { CODE_FAMILIES } from "./process-code.js";
import { DATA_FAMILIES } from "./process-data.js";
import { EVENT_FAMILIES } from "./process-events.js";
import { MARK_FAMILIES } from "./process-marks.js";
import { PLT_FAMILIES } from "./process-plt.js";
import { SYSCALL_FAMILIES } from "./process-syscall.js";
import { PROCFS_FAMILIES } from "./procfs-points.js";
import { PROFILE_FAMILIES } from "./profile-points.js";
import { SESSION_FAMILIES } from "./session-points.js";
import type { FamilyTable } from "./site.js";

/** Patterns of every point that SystemTap has for user space, with what makes sites of them. */
export const FAMILIES: FamilyTable = [
  ...SESSION_FAMILIES,
  ...PROFILE_FAMILIES,
  ...PERF_FAMILIES,
  ...EVENT_FAMILIES,
  ...SYSCALL_FAMILIES,
  ...DATA_FAMILIES,
  ...CODE_FAMILIES,
  ...ABSOLUTE_FAMILIES,
  ...PLT_FAMILIES,
  ...MARK_FAMILIES,
  ...PROCFS_FAMILIES,
  ...NETFILTER_FAMILIES,
];
