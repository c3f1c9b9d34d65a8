/**
 * Matching of probe points: a tree over components, built of the families' patterns and of all
 * aliases, searched with wildcards in component names (language.md §4).
 *
 * A wildcard stands for every component at its place that has the same kind of argument; `**` for
 * any number of components. Components after an alias are its suffix.
 */
import { isPattern, wildcard } from "../elf/glob.js";
import type { ProbeAlias, ProbeComponent, ProbePoint } from "../syntax/ast.js";
import type { Definitions, LibraryEntry } from "./library.js";
import { type ArgumentKind, argumentKind, showComponents, withComponents } from "./point.js";
import { ResolutionError } from "./report.js";
import { similar } from "./similar.js";
import type { Family, FamilyTable } from "./site.js";
import { describeOtherRoot } from "./unsupported-points.js";

/** What a point matches: a family, or an alias with the components after its name. */
export type PointMatch =
  | { readonly kind: "family"; readonly family: Family; readonly point: ProbePoint }
  | {
      readonly kind: "alias";
      readonly entry: LibraryEntry<ProbeAlias>;
      readonly point: ProbePoint;
      readonly suffix: readonly ProbeComponent[];
    };

/** A node of the tree; opaque to users. */
export interface PointTree {
  readonly children: Map<string, Child>;
  readonly families: Family[];
  /** Definitions of the alias that ends here. */
  aliases: () => readonly LibraryEntry<ProbeAlias>[];
}

interface Child {
  readonly name: string;
  readonly argument: ArgumentKind;
  readonly tree: PointTree;
}

/** The tree of all families and aliases. */
export function buildPointTree(families: FamilyTable, definitions: Definitions): PointTree {
  const root = newTree();
  for (const [pattern, family] of families) {
    let tree = root;
    for (const part of pattern.split(".")) {
      const at = part.indexOf("(");
      tree = childOf(tree, at < 0 ? part : part.slice(0, at), at < 0 ? "" : part.slice(at));
    }
    tree.families.push(family);
  }
  for (const name of definitions.aliasNames) {
    let tree = root;
    for (const part of name.split(".")) tree = childOf(tree, part, "");
    tree.aliases = () => definitions.aliases(name);
  }
  return root;
}

/** All matches of `point`; throws ResolutionError if there are none. */
export function matchPoint(root: PointTree, point: ProbePoint): PointMatch[] {
  return search(root, point, 0);
}

function newTree(): PointTree {
  return { children: new Map(), families: [], aliases: () => [] };
}

function childOf(tree: PointTree, name: string, argument: string): PointTree {
  const key = name + argument;
  const child = tree.children.get(key) ?? {
    name,
    argument: argument as ArgumentKind,
    tree: newTree(),
  };
  tree.children.set(key, child);
  return child.tree;
}

function search(tree: PointTree, point: ProbePoint, position: number): PointMatch[] {
  const component = point.components[position];
  if (component === undefined) return matchEnd(tree, point);
  if (component.name.includes("**")) return matchMany(tree, point, position, component);
  if (isPattern(component.name)) return matchWildcard(tree, point, position, component);
  const child = tree.children.get(component.name + argumentKind(component));
  if (child) return search(child.tree, point, position + 1);
  return matchSuffix(tree, point, position, component);
}

function matchEnd(tree: PointTree, point: ProbePoint): PointMatch[] {
  const aliases = tree.aliases();
  if (tree.families.length === 0 && aliases.length === 0) {
    const follow = [...tree.children.keys()].sort().join(" ");
    const last = point.components.at(-1) ?? null;
    throw new ResolutionError("point-truncated", `probe point truncated (follow: ${follow})`, last);
  }
  return [
    ...tree.families.map((family): PointMatch => ({ kind: "family", family, point })),
    ...aliases.map((entry): PointMatch => ({ kind: "alias", entry, point, suffix: [] })),
  ];
}

function matchSuffix(
  tree: PointTree,
  point: ProbePoint,
  position: number,
  component: ProbeComponent,
): PointMatch[] {
  const aliases = tree.aliases();
  if (aliases.length > 0) {
    const suffix = point.components.slice(position);
    return aliases.map((entry) => ({ kind: "alias", entry, point, suffix }));
  }
  throw mismatch(tree, component, position);
}

function mismatch(tree: PointTree, component: ProbeComponent, position: number): ResolutionError {
  const other = position === 0 ? describeOtherRoot(component.name) : null;
  if (other !== null) {
    return new ResolutionError(
      `unsupported-${component.name}`,
      `not supported yet: ${other} ('${component.name}')`,
      component,
    );
  }
  if (tree.children.size === 0) {
    return new ResolutionError("invalid-suffix", "invalid suffix for probe", component);
  }
  const names = new Set([...tree.children.values()].map((child) => child.name));
  const sameName = names.has(component.name)
    ? ` (argument: ${[...tree.children.keys()].filter((key) => key === component.name || key.startsWith(`${component.name}(`)).join(", ")})`
    : similar(component.name, names);
  return new ResolutionError("point-mismatch", `probe point mismatch${sameName}`, component);
}

function matchWildcard(
  tree: PointTree,
  point: ProbePoint,
  position: number,
  component: ProbeComponent,
): PointMatch[] {
  const expression = wildcard(component.name);
  const kind = argumentKind(component);
  const matches = sortedChildren(tree)
    .filter((child) => child.argument === kind && expression.test(child.name))
    .flatMap((child) =>
      quietly(() => search(child.tree, replaceName(point, position, child.name), position + 1)),
    );
  if (matches.length > 0) return matches;
  if (tree.aliases().length > 0) return matchSuffix(tree, point, position, component);
  throw new ResolutionError(
    "point-mismatch",
    `probe point mismatch: didn't find any wildcard matches${similar(
      component.name,
      [...tree.children.values()].map((child) => child.name),
    )}`,
    component,
  );
}

/** `a**b`: one component, or one and then more. */
function matchMany(
  tree: PointTree,
  point: ProbePoint,
  position: number,
  component: ProbeComponent,
): PointMatch[] {
  const expression = wildcard(component.name);
  const rest = point.components.slice(position + 1);
  const found: PointMatch[] = [];
  const visit = (at: PointTree, names: readonly string[]): void => {
    for (const child of sortedChildren(at)) {
      if (child.argument !== "") continue;
      const path = [...names, child.name];
      if (expression.test(path.join("."))) {
        const before = point.components.slice(0, position);
        const middle = path.map((name) => ({ ...component, name, argument: null }));
        const longer = withComponents(point, [...before, ...middle, ...rest]);
        found.push(...quietly(() => search(child.tree, longer, position + path.length)));
      }
      visit(child.tree, path);
    }
  };
  visit(tree, []);
  if (found.length > 0) return found;
  throw new ResolutionError(
    "point-mismatch",
    `probe point mismatch: didn't find any wildcard matches for '${showComponents(point)}'`,
    component,
  );
}

/** A wildcard also meets places that go no further: those are no matches. */
function quietly(find: () => PointMatch[]): PointMatch[] {
  try {
    return find();
  } catch (error) {
    if (error instanceof ResolutionError) return [];
    throw error;
  }
}

function sortedChildren(tree: PointTree): Child[] {
  return [...tree.children.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, child]) => child);
}

function replaceName(point: ProbePoint, position: number, name: string): ProbePoint {
  return withComponents(
    point,
    point.components.map((component, i) => (i === position ? { ...component, name } : component)),
  );
}
