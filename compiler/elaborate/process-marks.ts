/** process.mark and .provider().mark: static probe marks (language.md §14.2). */
import type { SdtMark } from "../../base/elf/notes.js";
import { wildcard } from "../elf/glob.js";
import type { ProbePoint } from "../syntax/ast.js";
import { markTargets } from "./mark-targets.js";
import { stringArgument, withArguments } from "./point.js";
import { CODE_ROOTS } from "./process-code.js";
import { type ProcessModule, processCondition, processModules } from "./process-path.js";
import { ResolutionError } from "./report.js";
import { similar } from "./similar.js";
import type { FamilyContext, FamilyTable, Site } from "./site.js";

/** The families of marks. */
export const MARK_FAMILIES: FamilyTable = CODE_ROOTS.flatMap(
  (root): FamilyTable => [
    [`${root}.mark(string)`, markSites],
    [`${root}.provider(string).mark(string)`, markSites],
  ],
);

function markSites(point: ProbePoint, context: FamilyContext): Site[] {
  const modules = processModules(point, context);
  const name = (stringArgument(point, "mark") ?? "").replace(/-/g, "__");
  const provider = stringArgument(point, "provider");
  const matchesName = wildcard(name);
  const matchesProvider = wildcard(provider ?? "*");
  const sites = modules.flatMap((where) =>
    where.module.marks
      .filter((mark) => matchesName.test(mark.name) && matchesProvider.test(mark.provider))
      .map((mark) => markSite(where, mark)),
  );
  if (sites.length === 0) {
    const names = modules.flatMap((where) => where.module.marks.map((mark) => mark.name));
    throw new ResolutionError(
      "no-match",
      names.length === 0 && modules.length > 0
        ? `no match: '${modules[0]?.module.path}' has no marks`
        : `no match${similar(name, names, "similar marks")}`,
    );
  }
  return sites;
}

function markSite(where: ProcessModule, mark: SdtMark): Site {
  const { module, pid } = where;
  return {
    point: withArguments(where.point, { provider: mark.provider, mark: mark.name }),
    type: "uprobe",
    isReturn: false,
    condition: processCondition(where),
    targets: markTargets(module, mark),
    place: {
      kind: "site",
      module: module.path,
      buildId: module.image.buildId,
      address: mark.address,
      place: "instruction",
      size: 0,
      symbol: `${mark.provider}:${mark.name}`,
      semaphore: mark.semaphore,
      pid,
    },
  };
}
