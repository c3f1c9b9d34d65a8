/**
 * From probe declarations to derived probes: aliases expanded, wildcards matched, every family
 * asked for its sites. Bodies are prologues, user body and epilogues in one scope; they are not
 * copied yet. Requires parsed scripts; guarantees that each result is one place with its variables.
 */

import { isPattern } from "../elf/glob.js";
import type {
  BlockStatement,
  Expression,
  ProbeAlias,
  ProbeComponent,
  ProbeDeclaration,
  ProbePoint,
  Script,
} from "../syntax/ast.js";
import { showAliasHead, showProbePoint } from "../syntax/print.js";
import { nodesIn } from "../syntax/walk.js";
import type { LibraryEntry } from "./library.js";
import { showComponents, showMark, stringArgument, withComponents } from "./point.js";
import { matchPoint, type PointMatch, type PointTree } from "./point-tree.js";
import { type Message, ResolutionError } from "./report.js";
import type { FamilyContext, Site } from "./site.js";
import { wrapBody } from "./wrap-body.js";

/** One handler before its body is made its own. */
export interface DerivedProbe {
  readonly declaration: ProbeDeclaration;
  readonly site: Site;
  /** For pp(). */
  readonly name: string;
  /** "?" or "!" if the point is written with it, for -p2. */
  readonly mark: string;
  /** For pn(). */
  readonly written: string;
  /** True if `written` is the name of an alias. */
  readonly isAlias: boolean;
  /** Where it comes from, as declared: innermost alias first, the user's probe last. */
  readonly origins: readonly string[];
  readonly conditions: readonly Expression[];
  readonly body: BlockStatement;
}

/** What derivation needs besides the declarations. */
export interface DeriveContext extends FamilyContext {
  readonly tree: PointTree;
  /** Told of each script whose alias is used. */
  readonly useScript: (script: Script) => void;
}

/** State on the way down through aliases. */
interface Derivation {
  readonly declaration: ProbeDeclaration;
  readonly written: ProbePoint | null;
  readonly body: BlockStatement;
  readonly conditions: readonly Expression[];
  readonly aliases: readonly ProbeAlias[];
  readonly optional: boolean;
}

/** Probes of one declaration; errors go to the reporter. */
export function deriveProbes(
  declaration: ProbeDeclaration,
  context: DeriveContext,
): DerivedProbe[] {
  const start: Derivation = {
    declaration,
    written: null,
    body: declaration.body,
    conditions: [],
    aliases: [],
    optional: false,
  };
  const probes = derivePoints(declaration.points, start, context, (error, point) =>
    context.report.error(unresolvedPoint(error, point)),
  );
  checkCounters(declaration, probes, context);
  return probes;
}

/** What @perf reads in code of a program must have been defined before, and for that program. */
function checkCounters(
  { body }: ProbeDeclaration,
  probes: readonly DerivedProbe[],
  { counters, report }: DeriveContext,
): void {
  const paths = probes.flatMap(({ site }) =>
    site.place.kind === "site" ? [stringArgument(site.point, "process")] : [],
  );
  for (const node of paths.length === 0 ? [] : nodesIn(body)) {
    if (node.kind !== "perf") continue;
    const counter = counters.get(node.counter);
    if (counter?.path === null || (counter && paths.includes(counter.path))) continue;
    const message = `perf counter '${node.counter}' not defined`;
    report.error({ code: "undefined-counter", message, node });
  }
}

/** Reports the names of `alias` that cannot be a point's. */
export function checkAlias(alias: ProbeAlias, context: FamilyContext): void {
  const components = alias.names.flatMap((name) => name.components);
  const wrong = components.find(({ name, argument }) => argument !== null || name === "*");
  if (wrong === undefined) return;
  const message =
    wrong.argument === null
      ? "invalid use of wildcard probe point component"
      : `alias component ${wrong.name} contains illegal parameter`;
  context.report.error({
    code: "bad-alias",
    message: "while registering probe alias",
    node: alias,
    notes: [{ message, node: null }],
  });
}

type OnError = (error: ResolutionError, point: ProbePoint) => void;

function derivePoints(
  points: readonly ProbePoint[],
  derivation: Derivation,
  context: DeriveContext,
  onError: OnError,
): DerivedProbe[] {
  const found: DerivedProbe[] = [];
  for (const point of points) {
    const optional = derivation.optional || point.optional || point.sufficient;
    const errors = context.report.count();
    try {
      const probes = derivePoint(point, { ...derivation, optional }, context, onError);
      const isSilent = probes.length === 0 && context.report.count() === errors;
      if (isSilent && !optional) throw new ResolutionError("no-match", "no match");
      for (const probe of probes) found.push(probe);
      if (point.sufficient && probes.length > 0) break;
    } catch (error) {
      if (!(error instanceof ResolutionError)) throw error;
      if (!optional) onError(error, point);
      else if (error.reason.code.startsWith("unsupported-")) {
        context.report.warn(unresolvedPoint(error, point));
      }
    }
  }
  return found;
}

function unresolvedPoint(error: ResolutionError, point: ProbePoint): Message {
  return {
    code: error.reason.code,
    message: "while resolving probe point",
    node: point.components[0] ?? point,
    notes: [{ message: error.reason.message, node: error.reason.node }],
  };
}

function derivePoint(
  point: ProbePoint,
  derivation: Derivation,
  context: DeriveContext,
  onError: OnError,
): DerivedProbe[] {
  const { condition } = point;
  if (condition !== null) checkCondition(condition, context);
  const conditions =
    condition === null ? derivation.conditions : [...derivation.conditions, condition];
  const matches = matchPoint(context.tree, point);
  const written = derivation.written ?? point;
  const found: DerivedProbe[] = [];
  let failure: ResolutionError | null = null;
  for (const match of matches) {
    const down = { ...derivation, conditions, written: writtenPoint(written, match.point) };
    try {
      for (const probe of deriveMatch(match, down, context, onError)) found.push(probe);
    } catch (error) {
      if (!(error instanceof ResolutionError)) throw error;
      failure ??= error;
    }
  }
  if (found.length === 0 && failure !== null) throw failure;
  return found;
}

/** A condition of arming a probe cannot know what a hit is going to find. */
function checkCondition(condition: Expression, { report }: DeriveContext): void {
  const found = nodesIn(condition);
  for (const node of found) {
    if (node.kind !== "target") continue;
    const what = node.atVar ? "@var()" : "target-symbol";
    report.error({ code: "condition-target", message: `unresolved ${what} expression`, node });
  }
  for (const node of found.filter(({ kind }) => kind === "defined")) {
    report.error({ code: "condition-defined", message: "unexpected @defined", node });
  }
}

/** pn() shows a point as written, but a wildcard in a component name as what it matched. */
function writtenPoint(written: ProbePoint, matched: ProbePoint): ProbePoint {
  return written.components.some((c) => isPattern(c.name)) ? matched : written;
}

function deriveMatch(
  match: PointMatch,
  derivation: Derivation,
  context: DeriveContext,
  onError: OnError,
): DerivedProbe[] {
  if (match.kind === "family") {
    if (context.context.options.ordinaryUser) checkPrivilege(match.point);
    return match
      .family(match.point, context)
      .map((site) => derivedProbe(site, match.point, derivation));
  }
  return deriveAlias(match.entry, match, derivation, context, onError);
}

/** Families that SystemTap allows ordinary users (language.md §18). */
const ORDINARY: ReadonlySet<string> = new Set([
  "begin",
  "end",
  "error",
  "never",
  "process",
  "timer",
]);

function checkPrivilege(point: ProbePoint): void {
  const [root, kind] = point.components;
  const allowed =
    ORDINARY.has(root?.name ?? "") && !(root?.name === "timer" && kind?.name === "profile");
  if (allowed) return;
  const message = "probe point is not allowed for --privilege=stapusr";
  throw new ResolutionError("privilege", message, point.components.at(-1) ?? point);
}

function derivedProbe(site: Site, point: ProbePoint, derivation: Derivation): DerivedProbe {
  const written = derivation.written ?? point;
  const isAlias = derivation.aliases.length > 0;
  const mark = showMark(point);
  const named = written === point && isExpanded(point) ? (site.listed ?? site.point) : written;
  return {
    declaration: derivation.declaration,
    site,
    name: showComponents(site.point),
    mark,
    written: isAlias ? showComponents(named) : showComponents(named) + mark,
    isAlias,
    origins: [
      ...derivation.aliases.map(showAliasHead).reverse(),
      derivation.declaration.points.map(showProbePoint).join(","),
    ],
    conditions: derivation.conditions,
    body: derivation.body,
  };
}

/** True if pn() shows what `point` was found to be: functions, statements, wildcards. */
function isExpanded({ components }: ProbePoint): boolean {
  return components.some(
    ({ name, argument }) =>
      name === "function" ||
      name === "statement" ||
      (argument?.kind === "string" && isPattern(argument.value)),
  );
}

function deriveAlias(
  entry: LibraryEntry<ProbeAlias>,
  match: { readonly point: ProbePoint; readonly suffix: readonly ProbeComponent[] },
  derivation: Derivation,
  context: DeriveContext,
  onError: OnError,
): DerivedProbe[] {
  const alias = entry.declaration;
  if (derivation.aliases.includes(alias)) {
    throw new ResolutionError(
      "recursive-alias",
      `recursive loop in alias expansion of ${showComponents(match.point)}`,
      match.point.components[0] ?? null,
    );
  }
  context.useScript(entry.script);
  const points = alias.points.map((point) =>
    match.suffix.length === 0
      ? point
      : withComponents(point, [...point.components, ...match.suffix]),
  );
  const down: Derivation = {
    ...derivation,
    body: wrapBody(alias, derivation.body),
    aliases: [...derivation.aliases, alias],
  };
  const suffix = match.suffix[0];
  return derivePoints(points, down, context, (error, point) => {
    if (suffix === undefined) return onError(error, point);
    throw error.reason.code.startsWith("unsupported-")
      ? error
      : new ResolutionError("invalid-suffix", "invalid suffix for probe", suffix);
  });
}
