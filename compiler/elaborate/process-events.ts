/** process.begin, .end, .thread.begin, .thread.end (language.md §14.2). */
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { hasComponent, numberArgument, stringArgument, withArguments } from "./point.js";
import { processPaths } from "./process-path.js";
import { ResolutionError } from "./report.js";
import type { FamilyContext, FamilyTable, Site, TargetScope } from "./site.js";

type ProcessEvent = "begin" | "end" | "thread.begin" | "thread.end";

const ROOTS = ["process", "process(string)", "process(number)"];
const EVENTS: readonly ProcessEvent[] = ["begin", "end", "thread.begin", "thread.end"];

const EVENT_TARGETS: TargetScope = {
  resolve(symbol: TargetSymbol): never {
    throw new ResolutionError(
      "unresolved-target",
      'only "process(PATH_OR_PID).syscall" and "process(PATH_OR_PID).syscall.return" probes support target symbols',
      symbol,
    );
  },
};

/** The families of process and thread life. */
export const EVENT_FAMILIES: FamilyTable = ROOTS.flatMap((root) =>
  EVENTS.map((event): FamilyTable[number] => [
    `${root}.${event}`,
    (point, context) => eventSites(point, event, context),
  ]),
);

function eventSites(point: ProbePoint, event: ProcessEvent, context: FamilyContext): Site[] {
  const pid = numberArgument(point, "process");
  if (pid !== null) {
    if (pid < 1n) throw new ResolutionError("bad-pid", `cannot probe pid ${pid}: Invalid pid`);
    return [eventSite(point, { kind: "process", event, path: null, pid: Number(pid) })];
  }
  const isTarget = stringArgument(point, "process") === null && hasComponent(point, "process");
  // A target still unknown when compiling (a bundle) is the one of the session.
  if (isTarget && context.context.options.targetPath === null) {
    return [eventSite(point, { kind: "process", event, path: null, pid: 0 })];
  }
  return processPaths(point, context).map((path) =>
    eventSite(withArguments(point, { process: path }), {
      kind: "process",
      event,
      path: isTarget ? null : path,
      pid: 0,
    }),
  );
}

function eventSite(point: ProbePoint, place: Site["place"]): Site {
  return {
    point,
    type: "utrace",
    place,
    isReturn: false,
    targets: EVENT_TARGETS,
    condition: null,
  };
}
