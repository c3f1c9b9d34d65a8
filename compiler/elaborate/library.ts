/**
 * What elaboration needs of the tapset library: definitions by name. A definition that is used
 * pulls in its whole script file (language.md §13).
 */
import type { FunctionDeclaration, GlobalDeclaration, ProbeAlias, Script } from "../syntax/ast.js";

/** A definition with the file that holds it. */
export interface LibraryEntry<T> {
  readonly declaration: T;
  readonly script: Script;
}

/** Tapset definitions indexed by name; aliases by their dotted name. */
export interface DefinitionIndex {
  readonly functions: ReadonlyMap<string, readonly LibraryEntry<FunctionDeclaration>[]>;
  readonly globals: ReadonlyMap<string, readonly LibraryEntry<GlobalDeclaration>[]>;
  readonly aliases: ReadonlyMap<string, readonly LibraryEntry<ProbeAlias>[]>;
}

/** Indexes the definitions of `scripts`, in order. */
export function indexDefinitions(scripts: readonly Script[]): DefinitionIndex {
  const functions = new Map<string, LibraryEntry<FunctionDeclaration>[]>();
  const globals = new Map<string, LibraryEntry<GlobalDeclaration>[]>();
  const aliases = new Map<string, LibraryEntry<ProbeAlias>[]>();
  for (const script of scripts) {
    for (const declaration of script.functions) {
      push(functions, declaration.name, { declaration, script });
    }
    for (const declaration of script.globals) {
      push(globals, declaration.name, { declaration, script });
    }
    for (const declaration of script.aliases) {
      for (const name of declaration.names) {
        push(aliases, name.components.map((c) => c.name).join("."), { declaration, script });
      }
    }
  }
  return { functions, globals, aliases };
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
