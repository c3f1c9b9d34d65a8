/**
 * Pass 2: parsed scripts and the tapset library → Program. Probe points are resolved, bodies made
 * each probe's own, names bound, types inferred, rules checked, dead code dropped, and the
 * globals that nobody reads shown at the end.
 */

import { bug } from "../../base/assert.js";
import type { SourceFile } from "../../base/position.js";
import { remember } from "../../base/remember.js";
import type { CompileContext } from "../../base/stage.js";
import { addAccessors } from "../elaborate/accessors.js";
import { bodyKeys } from "../elaborate/body-key.js";
import {
  checkAlias,
  type DeriveContext,
  type DerivedProbe,
  deriveProbes,
} from "../elaborate/derive.js";
import {
  collectEntryValues,
  type EntryValues,
  entryProbe,
  entryText,
  fillOperands,
} from "../elaborate/entry.js";
import { FAMILIES } from "../elaborate/families.js";
import {
  createDefinitions,
  type DefinitionSource,
  type Definitions,
} from "../elaborate/library.js";
import { buildPointTree } from "../elaborate/point-tree.js";
import { checkProcfsPaths } from "../elaborate/procfs-points.js";
import { createReporter, type Reporter, ResolutionError } from "../elaborate/report.js";
import { createResolver, type Resolver } from "../elaborate/resolve.js";
import type { Surroundings, TargetTable } from "../elaborate/resolve-target.js";
import { forEachNode } from "../elaborate/rewrite.js";
import { NO_TARGETS } from "../elaborate/session-points.js";
import { mentionsTargets, specialize, specializeExpression } from "../elaborate/specialize.js";
import type { HandlerSymbol, VariableSymbol } from "../elaborate/symbol.js";
import { parseSynthesized, parseSynthesizedExpression } from "../elaborate/synthesize.js";
import { currentSearchContext } from "../elf/find.js";
import {
  type BlockStatement,
  type EmbeddedCode,
  type Node,
  type NodeId,
  newNodeId,
  type Script,
} from "../syntax/ast.js";
import { findModule } from "../variables/script-targets.js";
import { buildProgram } from "./build-program.js";
import { createInference, type Inference } from "./cells.js";
import { checkAssigned, checkConditions, checkProgram, checkSupported } from "./check.js";
import { checkRegexes } from "./check-regex.js";
import { displayProbe } from "./display.js";
import { inferAll, reachableFunctions } from "./infer.js";
import { monitorScript, switchGlobal } from "./monitor.js";
import { optimize, optimizeLittle } from "./optimize.js";
import type { Program } from "./program.js";
import { statUses } from "./stat-use.js";
import { timingGlobal, timingReport } from "./timing.js";
import { warnUnassigned } from "./unassigned.js";
import { variableUse } from "./usage.js";

/** What the surroundings of all bodies have in common. */
type CommonSurroundings = Pick<Surroundings, "table" | "findModule" | "warn">;

/** Those of functions that do not depend on a probe. */
const NOWHERE: Omit<Surroundings, keyof CommonSurroundings> = {
  targets: NO_TARGETS,
  entryTargets: null,
  entry(node) {
    throw new ResolutionError("entry-misplaced", "@entry is not supported in functions", node);
  },
};

/** State of one analysis. */
interface Analysis {
  readonly context: CompileContext;
  readonly library: DefinitionSource;
  readonly report: Reporter;
  readonly definitions: Definitions;
  readonly derive: DeriveContext;
  readonly resolver: Resolver;
  readonly targets: TargetTable;
  readonly common: CommonSurroundings;
  /** Scripts whose probes are to be derived; grows while library files are used. */
  readonly scripts: Set<Script>;
  /** Numbers return probes, for the names of what @entry needs. */
  readonly nextEntry: () => number;
  /** Handlers by what `keyOf` says of their bodies, so that probes that do the same share one. */
  readonly handlers: Map<BlockStatement, Map<string, HandlerSymbol>>;
  readonly keyOf: (copies: readonly Node[]) => string;
  /** True for a body that is the same for all probes. */
  readonly isPlain: (body: BlockStatement) => boolean;
}

/**
 * The program of `script` (or of several, with -E). Throws CompileFailed with all errors found;
 * warnings go to `context`.
 */
export function analyze(
  script: Script | readonly Script[],
  library: DefinitionSource,
  context: CompileContext,
): Program {
  const scripts = "probes" in script ? [script] : script;
  const analysis = startAnalysis(scripts, library, context);
  for (const each of scripts) {
    for (const alias of each.aliases) checkAlias(alias, analysis.derive);
  }
  for (const each of analysis.scripts) {
    deriveScript(each, analysis);
    analysis.resolver.resolveFunctions();
  }
  const sites = analysis.resolver.table.handlers.flatMap(({ probes }) =>
    probes.map(({ site }) => site),
  );
  checkProcfsPaths(sites, analysis.report);
  for (const code of embeddedIn(analysis)) addAccessors(code, analysis);
  analysis.resolver.resolveFunctions();
  analysis.report.finish();
  const { report, targets, resolver } = analysis;
  const { guru, skipBadVariables: skipsBadVariables } = context.options;
  const symbols = resolver.table;
  const state = createInference({ symbols, targets, report, guru, skipsBadVariables });
  const { unoptimized } = context.options;
  checkConditions(state);
  analysis.report.finish();
  if (!unoptimized) warnUnassigned(state, context.options.globals);
  checkAssigned(state);
  analysis.report.finish();
  if (unoptimized) optimizeLittle(state);
  else optimize(state);
  analysis.report.finish();
  inferAll(state);
  checkProgram(state);
  analysis.report.finish();
  if (state.symbols.handlers.length === 0) {
    analysis.report.error({ code: "no-probes", message: "no probes found", node: null });
  }
  const own = [...resolver.table.handlers];
  if (context.options.globalVariableDisplay) addDisplay(analysis, state);
  if (context.options.monitor) addMonitor(own, analysis, state);
  if (context.options.timing) addTiming(analysis, state);
  return finishProgram(analysis, state);
}

function startAnalysis(
  scripts: readonly Script[],
  library: DefinitionSource,
  context: CompileContext,
): Analysis {
  const report = createReporter(context);
  const definitions = createDefinitions(scripts, library);
  const used = new Set(scripts);
  const useScript = (script: Script): void => {
    used.add(script);
  };
  const targets: TargetTable = { values: new Map(), pointers: new Map(), failures: new Map() };
  const search = currentSearchContext(
    (found) => context.onSearch?.(found),
    context.options.system ?? undefined,
  );
  const common: CommonSurroundings = {
    table: targets,
    findModule: (name) => findModule(name, search),
    warn: (message) => report.warn(message),
  };
  let entries = 0;
  const resolver = createResolver(definitions, {
    report,
    guru: context.options.guru,
    useScript,
    anywhere: { ...NOWHERE, ...common },
  });
  return {
    context,
    library,
    report,
    definitions,
    nextEntry: () => entries++,
    handlers: new Map(),
    keyOf: bodyKeys(targets),
    isPlain: remember((body) => !mentionsTargets(body) && !resolver.callsDependent(body)),
    scripts: used,
    targets,
    resolver,
    common,
    derive: {
      context,
      report,
      search,
      counters: new Map(),
      tree: buildPointTree(FAMILIES, definitions),
      useScript,
    },
  };
}

function deriveScript(script: Script, analysis: Analysis): void {
  for (const declaration of script.probes) {
    for (const derived of deriveProbes(declaration, analysis.derive)) addProbe(derived, analysis);
  }
}

/** All embedded code in handlers and functions. */
function embeddedIn({ resolver }: Analysis): Set<EmbeddedCode> {
  const { handlers, functions } = resolver.table;
  const found = new Map<NodeId, EmbeddedCode>();
  const roots = [
    ...handlers.flatMap((h): Node[] => [...h.conditions, h.body]),
    ...functions.map((f) => f.body),
  ];
  for (const root of roots) {
    forEachNode(root, (node) => {
      if (node.kind === "embedded") found.set(node.id, node);
    });
  }
  return new Set(found.values());
}

function addProbe(derived: DerivedProbe, analysis: Analysis): void {
  const plainKey = isPlain(derived, analysis) ? handlerKey(derived, [], analysis) : null;
  const known = plainKey === null ? undefined : knownHandlers(derived, analysis).get(plainKey);
  if (known !== undefined) analysis.resolver.addPlace(derived, known);
  else addSpecialized(derived, plainKey, analysis);
}

/** True if nothing in the handler depends on the probe. */
function isPlain({ site, conditions, body }: DerivedProbe, analysis: Analysis): boolean {
  return conditions.length === 0 && site.condition === null && analysis.isPlain(body);
}

/** Handlers with the body of `derived` so far. */
function knownHandlers({ body }: DerivedProbe, { handlers }: Analysis): Map<string, HandlerSymbol> {
  const known = handlers.get(body) ?? new Map<string, HandlerSymbol>();
  handlers.set(body, known);
  return known;
}

/** Adds a probe with a copy of the body for it, unless there is an equal one. */
function addSpecialized(derived: DerivedProbe, plainKey: string | null, analysis: Analysis): void {
  const { context, library, resolver } = analysis;
  const entries = derived.site.isReturn ? collectEntryValues(analysis.nextEntry()) : null;
  let inFunction = false;
  const surroundings = surroundingsOf(derived, analysis, (node) => {
    if (entries !== null && !inFunction) return entries.replace(node);
    const where = inFunction ? "not supported in functions" : "only valid in .return probes";
    throw new ResolutionError("entry-misplaced", `@entry is ${where}`, node);
  });
  const conditions = derived.conditions.map((c) => specializeExpression(c, surroundings));
  if (derived.site.condition !== null) {
    const written = parseSynthesizedExpression(derived.site.condition, library, context);
    conditions.push(specializeExpression(written, surroundings));
  }
  const body = specialize(derived.body, surroundings);
  inFunction = true;
  if (entries !== null && entries.operands.length > 0) {
    const whole = withEntryValues(derived, body, entries, analysis);
    resolver.addHandler(derived, whole, conditions, surroundings);
    return;
  }
  const known = knownHandlers(derived, analysis);
  const key = plainKey ?? handlerKey(derived, [...conditions, body], analysis);
  const handler = key === null ? undefined : known.get(key);
  if (handler !== undefined) {
    resolver.addPlace(derived, handler);
    return;
  }
  const own = resolver.addHandler(derived, body, conditions, surroundings);
  if (key !== null) known.set(key, own);
}

/** Equal for probes that can share a handler, given the same source; null if this one cannot. */
function handlerKey(
  { site, declaration }: DerivedProbe,
  copies: readonly Node[],
  { context, resolver, keyOf }: Analysis,
): string | null {
  const { timing, monitor } = context.options;
  const isOwn = timing || monitor || copies.some((copy) => resolver.callsDependent(copy));
  if (isOwn) return null;
  const { place, isReturn, condition } = site;
  const module = place.kind === "site" ? place.module : "";
  return [place.kind, module, isReturn, condition, declaration.id, keyOf(copies)].join(" ");
}

function surroundingsOf(
  derived: DerivedProbe,
  analysis: Analysis,
  entry: Surroundings["entry"],
): Surroundings {
  const { site } = derived;
  return {
    ...analysis.common,
    targets: site.targets,
    entryTargets: site.isReturn ? (site.entry?.targets ?? site.targets) : null,
    entry,
  };
}

/** Adds the entry probe that `entries` need; the body that takes their values first. */
function withEntryValues(
  derived: DerivedProbe,
  body: BlockStatement,
  entries: EntryValues,
  analysis: Analysis,
): BlockStatement {
  const text = entryText(entries.number, entries.operands.length);
  const script = parseSynthesized(text, analysis.library, analysis.context);
  analysis.definitions.add({ ...script, probes: [] });
  const [atEntry, atReturn] = script.probes;
  if (!atEntry || !atReturn) return body;
  const filled = fillOperands(atEntry.body, entries.operands);
  addProbe(entryProbe(derived, filled), analysis);
  return { ...body, id: newNodeId(), statements: [...atReturn.body.statements, body] };
}

/** Adds an end probe for each global of the user's that is written and whose value nobody uses. */
function addDisplay(analysis: Analysis, state: Inference): void {
  const { table } = analysis.resolver;
  const use = variableUse(bodiesOf(state), table);
  const shown = table.globals.filter((g) => !g.library && use.written.has(g) && !use.used.has(g));
  for (const variable of shown) {
    const script = parseSynthesized(
      displayProbe(variable, state),
      analysis.library,
      analysis.context,
    );
    analysis.definitions.adopt(script.file, variable.place.span.file);
    deriveScript(script, analysis);
  }
  inferAdded(analysis, state);
}

/** Adds statistics of the time that each handler takes, and the probes that report them. */
function addTiming(analysis: Analysis, state: Inference): void {
  const { table } = analysis.resolver;
  const timed = [...table.handlers];
  const script = parseSynthesized(timingReport(timed), analysis.library, analysis.context);
  analysis.definitions.add({ ...script, probes: [] });
  deriveScript(script, analysis);
  for (const [index, handler] of timed.entries()) {
    handler.timing = table.globals.find((g) => g.name === timingGlobal(index)) ?? null;
  }
  inferAdded(analysis, state);
}

/** Adds what a monitor asks about `handlers` and the user's globals, and a switch to each handler. */
function addMonitor(
  handlers: readonly HandlerSymbol[],
  analysis: Analysis,
  state: Inference,
): void {
  const { context, library, definitions, resolver } = analysis;
  const { table } = resolver;
  const { written, used } = variableUse(bodiesOf(state), table);
  const globals = table.globals.filter((g) => isShown(g) && (written.has(g) || used.has(g)));
  const text = monitorScript({ handlers, globals, state, given: context.options.globals });
  const script = parseSynthesized(text, library, context);
  definitions.add({ ...script, probes: [] });
  deriveScript(script, analysis);
  const find = (name: string): VariableSymbol =>
    table.globals.find((g) => g.name === name) ?? bug(`no global ${name}`);
  for (const [index, handler] of handlers.entries()) {
    handler.timing = find(timingGlobal(index));
    const condition = parseSynthesizedExpression(switchGlobal(index), library, context);
    table.variables.set(condition.id, find(switchGlobal(index)));
    handler.conditions = [condition, ...handler.conditions];
  }
  inferAdded(analysis, state);
}

/** True for a global that a monitor shows: of the user's, and not private to a file. */
function isShown({ library, declaration }: VariableSymbol): boolean {
  return !library && declaration !== null && !declaration.isPrivate;
}

/** Resolves and types what was added to a program that has its types. */
function inferAdded(analysis: Analysis, state: Inference): void {
  analysis.resolver.resolveFunctions();
  inferAll(state);
}

function* bodiesOf(state: Inference): Generator<Node> {
  const { handlers } = state.symbols;
  for (const handler of handlers) {
    yield* handler.conditions;
    yield handler.body;
  }
  for (const symbol of reachableFunctions(handlers, state)) yield symbol.body;
}

function finishProgram(analysis: Analysis, state: Inference): Program {
  const bodies = [...bodiesOf(state)];
  checkRegexes(bodies, state);
  checkSupported(bodies, state, analysis.context.options.skipBadVariables);
  const uses = statUses(bodies, state);
  analysis.report.finish();
  const given = analysis.context.options.globals;
  const { handlers } = state.symbols;
  const embedded = topLevelCode(bodies, analysis);
  const { counters } = analysis.derive;
  const program = buildProgram({ state, handlers, statUses: uses, given, embedded, counters });
  analysis.report.finish();
  return program;
}

/** Top-level code of the user's scripts, and of tapset files that `bodies` have embedded code of. */
function topLevelCode(bodies: readonly Node[], { scripts }: Analysis): readonly EmbeddedCode[] {
  const files = new Set<SourceFile>();
  for (const body of bodies) {
    forEachNode(body, ({ kind, span }) => {
      if (kind === "embedded") files.add(span.file);
    });
  }
  const used = [...scripts].filter(({ file }) => !file.library || files.has(file));
  return used.flatMap((script) => script.embedded);
}
