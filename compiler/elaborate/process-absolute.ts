/**
 * process(PID).statement(ADDRESS).absolute[.return]: an address of a running process, as it is
 * there (language.md §14.2). Only the process can say what lies at it, when it is probed.
 */
import type { ProbePoint } from "../syntax/ast.js";
import { hasComponent, numberArgument } from "./point.js";
import { processTargets } from "./process-target.js";
import { NO_TARGETS } from "./session-points.js";
import type { FamilyContext, FamilyTable, Site } from "./site.js";

/** The families of absolute addresses. */
export const ABSOLUTE_FAMILIES: FamilyTable = ["", ".return"].map((suffix): FamilyTable[number] => [
  `process(number).statement(number).absolute${suffix}`,
  absoluteSites,
]);

function absoluteSites(point: ProbePoint, context: FamilyContext): Site[] {
  const address = Number(BigInt.asUintN(64, numberArgument(point, "statement") ?? 0n));
  const place = hasComponent(point, "return") ? "exits" : "instruction";
  return processTargets(point, context).map(({ pid }) => ({
    point,
    type: place === "exits" ? "uretprobe" : "uprobe",
    place: { kind: "absolute", pid, address, place },
    isReturn: place === "exits",
    targets: NO_TARGETS,
    condition: `pid() == ${pid}`,
  }));
}
