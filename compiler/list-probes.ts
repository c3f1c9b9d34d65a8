/**
 * -l and -L: the places that a probe point stands for, one line each, sorted and distinct
 * (cli.md §5). An alias is shown once under its own name, anything else as it was resolved; with
 * variables those that are there at every place of a line. Places that fail are left out.
 */

import { CompileFailed } from "../base/diagnostic.js";
import type { CompileContext } from "../base/stage.js";
import { type DerivedProbe, deriveProbes } from "./elaborate/derive.js";
import { FAMILIES } from "./elaborate/families.js";
import { createDefinitions } from "./elaborate/library.js";
import { showComponents, showMark } from "./elaborate/point.js";
import { buildPointTree } from "./elaborate/point-tree.js";
import { createReporter } from "./elaborate/report.js";
import type { PerfCounter } from "./elaborate/site.js";
import { currentSearchContext } from "./elf/find.js";
import { parseStage } from "./parse/parse.js";
import type { Script } from "./syntax/ast.js";
import { showExpression } from "./syntax/print-expression.js";
import { loadLibrary, type TapsetLibrary } from "./tapset/library.js";
import { scriptOfText } from "./tapset/source.js";
import { analyze } from "./types/analyze.js";
import type { Program } from "./types/program.js";

/** How places are listed. */
export interface ProbeListing {
  /** -L */
  readonly variables: boolean;
  /** -v: every place on a line of its own, with its address. */
  readonly verbose: boolean;
}

/** Lines for `pattern`. Throws CompileFailed if it is no probe point, or if nothing matched. */
export function listProbes(
  pattern: string,
  context: CompileContext,
  listing: ProbeListing,
): readonly string[] {
  const library = loadLibrary(context.options.tapsetPath, {
    ...context.options,
    warn: (diagnostic) => context.warn(diagnostic),
  });
  const scripts = parse(pattern, library, context);
  const places = derive(scripts, library, context);
  const variables = listing.variables ? variablesOf(library, context) : () => [];
  const lines = listing.verbose
    ? places.map((place) => [`${listedName(place)}${address(place)}`, ...variables(place)])
    : [...groupByText(places)].map(([text, group]) => [text, ...common(group.map(variables))]);
  return [...new Set(lines.map((words) => words.join(" ")))].sort();
}

function parse(pattern: string, library: TapsetLibrary, context: CompileContext): Script[] {
  const files = [scriptOfText(`probe ${pattern} {}`)];
  return [...parseStage.run({ files, libraryMacros: library.macros }, context)];
}

/** The places; errors are thrown only if there are none. */
function derive(
  scripts: readonly Script[],
  library: TapsetLibrary,
  context: CompileContext,
): DerivedProbe[] {
  const report = createReporter(context);
  const definitions = createDefinitions(scripts, library);
  const tree = buildPointTree(FAMILIES, definitions);
  const search = currentSearchContext(undefined, context.options.system ?? undefined);
  const counters = new Map<string, PerfCounter>();
  const deriving = { context, report, search, counters, tree, useScript: () => undefined };
  const places = scripts.flatMap(({ probes }) => probes.flatMap((p) => deriveProbes(p, deriving)));
  if (places.length === 0) report.finish();
  return places;
}

function groupByText(places: readonly DerivedProbe[]): Map<string, DerivedProbe[]> {
  const groups = new Map<string, DerivedProbe[]>();
  for (const place of places) {
    const text = place.isAlias ? place.written : listedName(place);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [place]);
    else group.push(place);
  }
  return groups;
}

function listedName({ site, name }: DerivedProbe): string {
  const { point, listed } = site;
  const text = listed === undefined ? name : showComponents(listed);
  const condition = point.condition === null ? "" : ` if (${showExpression(point.condition)})`;
  return text + showMark(point) + condition;
}

function address({ site: { place } }: DerivedProbe): string {
  return place.kind === "site" ? ` /* pc=0x${place.address.toString(16)} */` : "";
}

/** What every one of `lists` has, in the order of the first one. */
function common(lists: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...others] = lists;
  return first.filter((each) => others.every((list) => list.includes(each)));
}

/** Gives `name:type` of the variables of an alias, then those of the place. */
function variablesOf(
  library: TapsetLibrary,
  context: CompileContext,
): (place: DerivedProbe) => readonly string[] {
  const programs = new Map<string, Program | null>();
  const programOf = (written: string): Program | null => {
    const known = programs.get(written);
    if (known !== undefined) return known;
    const program = tryAnalyze(written, library, context);
    programs.set(written, program);
    return program;
  };
  return (place) => {
    const probe = place.isAlias
      ? programOf(place.written)?.probes.find(({ name }) => name === place.name)
      : undefined;
    const locals = (probe?.handler.locals ?? []).map(({ name, type }) => `${name}:${type}`);
    const targets = place.site.targets.variables?.() ?? [];
    return [...locals, ...targets.map(({ name, type }) => `${name}:${type}`)];
  };
}

/** The program of a probe at `written`, null if there is something wrong with the alias. */
function tryAnalyze(
  written: string,
  library: TapsetLibrary,
  context: CompileContext,
): Program | null {
  const silent = { ...context, warn: () => undefined };
  try {
    return analyze(parse(written, library, silent), library, silent);
  } catch (error) {
    if (error instanceof CompileFailed) return null;
    throw error;
  }
}
