/**
 * The options file, $SYSTEMTAP_DIR/rc (stap(1) FILES): each line holds shell words, which come
 * before the arguments. Quotes, backslashes, `~`, $NAME and ${NAME} mean what they mean to
 * wordexp(3); commands are not run.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UsageError } from "./getopt.js";

/** Directory of the user's own files: $SYSTEMTAP_DIR, else ~/.systemtap. */
export function userDirectory(): string {
  return process.env["SYSTEMTAP_DIR"] ?? join(homedir(), ".systemtap");
}

/** Words of the options file; none if there is no such file. Throws UsageError. */
export function readOptionsFile(): readonly string[] {
  const path = join(userDirectory(), "rc");
  const lines = readLines(path);
  return lines.flatMap((line, index) => {
    const words = shellWords(line, process.env);
    if (words !== null) return words;
    throw new UsageError(`ERROR: unable to expand line ${index + 1} of "${path}": ${line}`);
  });
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return [];
    throw new UsageError(`ERROR: cannot read "${path}": ${code}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** One thing of a line: blanks, a quoted part, an escape, a variable, a comment, or plain text. */
const PIECE =
  /(\s+)|(#.*)|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|\$(?:\{(\w+)\}|([A-Za-z_]\w*))|([^\s'"\\$`|&;<>(){}]+)/sy;

/** Words of `line` as wordexp(3) splits them, null where it would refuse the line. */
export function shellWords(line: string, environment: Environment): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  const push = (): void => {
    if (word !== null) words.push(word);
    word = null;
  };
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < line.length) {
    const match = PIECE.exec(line);
    if (match === null) return null;
    const [, blanks, comment] = match;
    if (blanks !== undefined) push();
    else if (comment !== undefined && word === null) break;
    else {
      const text = pieceText(match, word === null, environment);
      if (text === null) return null;
      word = (word ?? "") + text;
    }
  }
  push();
  return words;
}

function pieceText(
  match: RegExpExecArray,
  first: boolean,
  environment: Environment,
): string | null {
  const [, , comment, single, double, escaped, braced, bare, plain] = match;
  const variable = braced ?? bare;
  if (variable !== undefined) return environment[variable] ?? null;
  if (double !== undefined) return expandDouble(double, environment);
  if (plain !== undefined && first) {
    return plain.replace(/^~(?=\/|$)/, environment["HOME"] ?? homedir());
  }
  return comment ?? single ?? escaped ?? plain ?? "";
}

function expandDouble(text: string, environment: Environment): string | null {
  if (text.includes("`") || text.includes("$(")) return null;
  return text
    .replace(/\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g, (_all, a, b) => environment[a ?? b] ?? "")
    .replace(/\\([$`"\\])/g, "$1");
}
