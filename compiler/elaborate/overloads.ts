/** Overloads of a function: which is tried first, and which may pass on (language.md §3). */
import type { FunctionDeclaration, Script } from "../syntax/ast.js";
import type { LibraryEntry } from "./library.js";
import { forEachNode } from "./rewrite.js";

/** Priority of overloads without one. */
const LIBRARY_PRIORITY = 1;
const USER_PRIORITY = 0;

/** Candidates in the order in which they are tried; those never reached fall away later. */
export function overloadChain(
  entries: readonly LibraryEntry<FunctionDeclaration>[],
): readonly LibraryEntry<FunctionDeclaration>[] {
  return [...entries].sort((a, b) => priorityOf(a) - priorityOf(b));
}

function priorityOf({ declaration, script }: LibraryEntry<FunctionDeclaration>): number {
  return declaration.priority ?? (script.file.library ? LIBRARY_PRIORITY : USER_PRIORITY);
}

/** True if the function can pass on to the next overload. */
export function mayPassOn(declaration: FunctionDeclaration): boolean {
  let found = false;
  forEachNode(declaration.body, (node) => {
    found ||= node.kind === "next" || (node.kind === "embedded" && /\bnext\s*\(/.test(node.code));
  });
  return found;
}

/** The name that SystemTap gives a function inside. */
export function orderName(declaration: FunctionDeclaration, { file, functions }: Script): string {
  const { name, isPrivate } = declaration;
  const scope = isPrivate ? `private_${file.name.replace(/\W/g, "_")}` : "global";
  const overloads = functions.filter((each) => each.name === name);
  return `__${scope}_${name}__overload_${overloads.indexOf(declaration)}`;
}
