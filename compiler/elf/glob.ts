/**
 * Shell wildcards: fnmatch(3) patterns as regular expressions, and expansion of path patterns.
 * In a path `*` and `?` do not match `/` (glob(7)).
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** True if `text` holds a wildcard character. */
export function isPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

/** Regular expression for the whole of a name that fnmatch(3) would accept. */
export function wildcard(pattern: string): RegExp {
  return new RegExp(`^(?:${translate(pattern, ".")})$`, "s");
}

/** Paths of existing files that match `pattern`, sorted. */
export function expandPath(pattern: string): string[] {
  const absolute = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "");
  let found = [absolute ? "/" : "."];
  parts.forEach((part, index) => {
    const last = index === parts.length - 1;
    found = found.flatMap((directory) => matchEntries(directory, part, last));
  });
  return found.sort();
}

function matchEntries(directory: string, part: string, last: boolean): string[] {
  const names = isPattern(part) ? matchingNames(directory, part) : [part];
  return names
    .map((name) => join(directory, name))
    .filter((path) => (last ? isKind(path, "file") : isKind(path, "directory")));
}

function matchingNames(directory: string, part: string): string[] {
  const expression = wildcard(part);
  try {
    return readdirSync(directory).filter(
      (name) => expression.test(name) && (part.startsWith(".") || !name.startsWith(".")),
    );
  } catch {
    return [];
  }
}

function isKind(path: string, kind: "file" | "directory"): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (kind === "file" ? stat.isFile() : stat.isDirectory());
}

function translate(pattern: string, any: string): string {
  let out = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "*") out += `${any}*`;
    else if (char === "?") out += any;
    else if (char === "[" && pattern.indexOf("]", at + 2) > 0) {
      const end = pattern.indexOf("]", at + 2);
      const set = pattern.slice(at + 1, end).replace(/\\/g, "\\\\");
      out += `[${set.replace(/^!/, "^").replace(/^(\^?)\]/, "$1\\]")}]`;
      at = end;
    } else if (char === "\\" && at + 1 < pattern.length) {
      out += escapeChar(pattern.charAt(++at));
    } else out += escapeChar(char);
  }
  return out;
}

function escapeChar(char: string): string {
  return /[\w\s]/.test(char) ? char : `\\${char}`;
}
