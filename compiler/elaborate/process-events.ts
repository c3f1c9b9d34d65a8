/** process.begin, .end, .thread.begin, .thread.end (language.md §14.2). */
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { PROCESS_ROOTS, processTargets } from "./process-target.js";
import { ResolutionError } from "./report.js";
import { unresolvedVar } from "./session-points.js";
import type { FamilyContext, FamilyTable, Site, TargetScope } from "./site.js";

type ProcessEvent = "begin" | "end" | "thread.begin" | "thread.end";

const EVENTS: readonly ProcessEvent[] = ["begin", "end", "thread.begin", "thread.end"];

const EVENT_TARGETS: TargetScope = {
  resolve(symbol: TargetSymbol): never {
    if (symbol.atVar) throw unresolvedVar(symbol);
    throw new ResolutionError(
      "unresolved-target",
      'only "process(PATH_OR_PID).syscall" and "process(PATH_OR_PID).syscall.return" probes support target symbols',
      symbol,
    );
  },
};

/** The families of process and thread life. */
export const EVENT_FAMILIES: FamilyTable = PROCESS_ROOTS.flatMap((root) =>
  EVENTS.map((event): FamilyTable[number] => [
    `${root}.${event}`,
    (point, context) => eventSites(point, event, context),
  ]),
);

function eventSites(point: ProbePoint, event: ProcessEvent, context: FamilyContext): Site[] {
  return processTargets(point, context).map(({ point: resolved, path, pid }) => ({
    point: resolved,
    type: "utrace",
    place: { kind: "process", event, path, pid },
    isReturn: false,
    targets: EVENT_TARGETS,
    condition: null,
  }));
}
