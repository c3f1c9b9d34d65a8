/**
 * Pragmas of embedded code (language reference §11): comments that consist of one word, such as
 * `pure`, or of pragma:read:NAME.
 */
import type { EmbeddedCode } from "./ast.js";

/** True if `code` has the comment `name`. */
export function hasPragma(code: EmbeddedCode, name: string): boolean {
  return pragmasOf(code).includes(name);
}

/** Names of the globals that `code` says to read or write. */
export function pragmaGlobals(code: EmbeddedCode, access: "read" | "write"): readonly string[] {
  const prefix = `pragma:${access}:`;
  const names = pragmasOf(code).filter((pragma) => pragma.startsWith(prefix));
  return [...new Set(names.map((pragma) => pragma.slice(prefix.length)))];
}

function pragmasOf({ code }: EmbeddedCode): readonly string[] {
  return [...code.matchAll(/\/\*\s*([\w:-]+)\s*\*\//g)].map(([, name]) => name ?? "");
}
