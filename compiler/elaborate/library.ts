/**
 * All definitions that a name can mean: those of its own file, of the user's scripts, and of the
 * tapset library, in this order. Private ones are seen only in their file (language.md §3, §13).
 */
import type { SourceFile } from "../../base/position.js";
import type { FunctionDeclaration, GlobalDeclaration, ProbeAlias, Script } from "../syntax/ast.js";
import { LazyMap } from "../tapset/lazy-map.js";
import type { LibraryEntry, TapsetLibrary } from "../tapset/library.js";

export type { LibraryEntry } from "../tapset/library.js";

/** The library as far as elaboration uses it. */
export type DefinitionSource = Pick<
  TapsetLibrary,
  "functions" | "globals" | "aliases" | "functionNames" | "macros"
>;

/** Finds definitions for names used in a file. */
export interface Definitions {
  /** All functions called `name`: private ones of `file`, then the user's, then the library's. */
  functions(name: string, file: SourceFile): readonly LibraryEntry<FunctionDeclaration>[];
  /** The global called `name`, `isSealed` = not the user's. */
  global(name: string, file: SourceFile, isSealed: boolean): LibraryEntry<GlobalDeclaration> | null;
  /** Aliases called `name` (dotted), the user's first. */
  aliases(name: string): readonly LibraryEntry<ProbeAlias>[];
  /** Names in `file` mean what they mean in `like`. */
  adopt(file: SourceFile, like: SourceFile): void;
  /** Makes the definitions of a synthesized script visible in it. */
  add(script: Script): void;
  readonly aliasNames: ReadonlySet<string>;
  readonly functionNames: ReadonlySet<string>;
}

/** Definitions of the user's `scripts` and of `library`. */
export function createDefinitions(
  scripts: readonly Script[],
  library: DefinitionSource,
): Definitions {
  const files = new Map<SourceFile, Script>(scripts.map((script) => [script.file, script]));
  const userAliases = indexAliases(scripts);
  const remember = <T>(entries: readonly LibraryEntry<T>[]): readonly LibraryEntry<T>[] => {
    for (const { script } of entries) files.set(script.file, script);
    return entries;
  };
  const known = new Map<string, readonly LibraryEntry<FunctionDeclaration>[]>();
  /** Functions called `name` that every file sees. */
  const shared = (name: string): readonly LibraryEntry<FunctionDeclaration>[] => {
    const found = known.get(name) ?? [
      ...scripts.flatMap((script) => visible(script, "functions", name)),
      ...publicOnly(remember(library.functions.get(name) ?? [])),
    ];
    known.set(name, found);
    return found;
  };
  return {
    functions(name, file) {
      const mine = own(files.get(file), "functions", name);
      const others = shared(name);
      if (mine.length === 0) return others;
      return [...mine, ...others.filter((entry) => entry.script.file !== mine[0]?.script.file)];
    },
    global(name, file, isSealed) {
      const users = isSealed ? [] : scripts;
      const found =
        own(files.get(file), "globals", name)[0] ??
        users.flatMap((script) => visible(script, "globals", name))[0] ??
        publicOnly(remember(library.globals.get(name) ?? []))[0];
      return found ?? null;
    },
    aliases(name) {
      return [...(userAliases.get(name) ?? []), ...remember(library.aliases.get(name) ?? [])];
    },
    adopt(file, like) {
      const script = files.get(like);
      if (script) files.set(file, script);
    },
    add(script) {
      files.set(script.file, script);
    },
    aliasNames: new Set([...userAliases.keys(), ...possibleKeys(library.aliases)]),
    functionNames: new Set([
      ...scripts.flatMap((script) => script.functions.map((f) => f.name)),
      ...[...library.functionNames].filter((name) => !name.startsWith("_")),
    ]),
  };
}

interface Named {
  readonly functions: FunctionDeclaration;
  readonly globals: GlobalDeclaration;
}

function own<K extends keyof Named>(
  script: Script | undefined,
  kind: K,
  name: string,
): LibraryEntry<Named[K]>[] {
  if (script === undefined) return [];
  const declarations: readonly Named[K][] = script[kind] as readonly Named[K][];
  return declarations
    .filter((declaration) => declaration.name === name)
    .map((declaration) => ({ declaration, script }));
}

function visible<K extends keyof Named>(
  script: Script,
  kind: K,
  name: string,
): LibraryEntry<Named[K]>[] {
  return own(script, kind, name).filter((entry) => !entry.declaration.isPrivate);
}

function publicOnly<T extends { readonly isPrivate: boolean }>(
  entries: readonly LibraryEntry<T>[],
): readonly LibraryEntry<T>[] {
  return entries.filter((entry) => !entry.declaration.isPrivate);
}

function indexAliases(scripts: readonly Script[]): Map<string, LibraryEntry<ProbeAlias>[]> {
  const index = new Map<string, LibraryEntry<ProbeAlias>[]>();
  for (const script of scripts) {
    for (const declaration of script.aliases) {
      for (const point of declaration.names) {
        const name = point.components.map((component) => component.name).join(".");
        index.set(name, [...(index.get(name) ?? []), { declaration, script }]);
      }
    }
  }
  return index;
}

function possibleKeys<T>(map: ReadonlyMap<string, T>): Iterable<string> {
  return map instanceof LazyMap ? map.possibleKeys() : map.keys();
}
