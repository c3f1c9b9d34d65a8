/**
 * process.plt, .plt("NAME") and their .return: calls of functions of other modules, at the stubs
 * of the calling module (language.md §14.2). The return is where the caller goes on, behind the
 * call of the stub; a stub that is jumped to returns elsewhere, which is not seen.
 */
import { wildcard } from "../elf/glob.js";
import { type PltStub, readPlt } from "../elf/plt.js";
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import { checkPlain } from "./plain-target.js";
import { findComponent, hasComponent, stringArgument, withComponents } from "./point.js";
import { CODE_ROOTS } from "./process-code.js";
import { type ProcessModule, processCondition, processModules } from "./process-path.js";
import { ResolutionError } from "./report.js";
import { unresolvedVar } from "./session-points.js";
import { similar } from "./similar.js";
import type { FamilyContext, FamilyTable, Site, TargetScope } from "./site.js";

/** The families of stubs. */
export const PLT_FAMILIES: FamilyTable = CODE_ROOTS.flatMap((root) =>
  ["plt", "plt(string)", "plt.return", "plt(string).return"].map((suffix): FamilyTable[number] => [
    `${root}.${suffix}`,
    pltSites,
  ]),
);

function pltSites(point: ProbePoint, context: FamilyContext): Site[] {
  const pattern = stringArgument(point, "plt") ?? "*";
  const matches = wildcard(pattern);
  const modules = processModules(point, context).map((where) => ({
    where,
    stubs: readPlt(where.module.image),
  }));
  const sites = modules.flatMap(({ where, stubs }) =>
    stubs.filter(({ name }) => matches.test(name)).map((stub) => pltSite(where, stub)),
  );
  if (sites.length > 0) return sites;
  const names = modules.flatMap(({ stubs }) => stubs.map(({ name }) => name));
  const path = modules[0]?.where.module.path;
  throw new ResolutionError(
    "no-match",
    names.length === 0 && path !== undefined
      ? `no match: '${path}' calls nothing through a procedure linkage table`
      : `no match${similar(pattern, names, "similar functions")}`,
    findComponent(point, "plt"),
  );
}

function pltSite(where: ProcessModule, stub: PltStub): Site {
  const { module, point, pid } = where;
  const isReturn = hasComponent(point, "return");
  return {
    point: named(point, stub.name),
    type: isReturn ? "uretprobe" : "uprobe",
    isReturn: false,
    condition: processCondition(where),
    targets: pltTargets(stub.name),
    place: {
      kind: "site",
      module: module.path,
      buildId: module.image.buildId,
      address: stub.address,
      place: isReturn ? "calls" : "instruction",
      size: stub.size,
      symbol: `${stub.name}@plt`,
      semaphore: 0,
      pid,
    },
  };
}

/** `point` with the stub's name as the argument of .plt. */
function named(point: ProbePoint, name: string): ProbePoint {
  const components = point.components.map((component) => {
    if (component.name !== "plt") return component;
    const argument = {
      kind: "string",
      id: newNodeId(),
      span: component.span,
      value: name,
    } as const;
    return { ...component, id: newNodeId(), argument };
  });
  return withComponents(point, components);
}

function pltTargets(name: string): TargetScope {
  return {
    resolve: (symbol: TargetSymbol) => {
      if (symbol.atVar) throw unresolvedVar(symbol);
      if (symbol.name !== "$$name") {
        const message = `unable to find plt variable '${symbol.name}' (alternatives: $$name)`;
        throw new ResolutionError("unresolved-target", message, symbol);
      }
      checkPlain(symbol, "plt");
      return { type: "string", location: { kind: "text", text: name } };
    },
  };
}
