/**
 * Splits a command line into options and operands as getopt_long(3) of glibc does: options and
 * operands in any order, `--` ends the options, long names may be shortened while unambiguous.
 * What is wrong is said in glibc's words.
 */

/** Whether an option takes a value. */
export type ArgumentUse = "none" | "required" | "optional";

/** An option as it may be written. */
export interface OptionSpelling {
  /** Letters and long names; long names have more than one character. */
  readonly names: readonly string[];
  readonly argument: ArgumentUse;
}

/** One option of a command line, in its order. */
export interface GivenOption<Option> {
  readonly option: Option;
  /** As written without dashes, long names complete. */
  readonly name: string;
  /** Null if none was given. */
  readonly value: string | null;
}

/** A command line taken apart. */
export interface CommandLine<Option> {
  readonly given: readonly GivenOption<Option>[];
  readonly operands: readonly string[];
}

/** What a user got wrong on the command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** True if the message is followed by a pointer to --help. */
  readonly hint: boolean;
  constructor(message: string, hint = false) {
    super(message);
    this.hint = hint;
  }
}

/** Takes `argv` apart; `program` is the first word of messages. Throws UsageError. */
export function splitCommandLine<Option extends OptionSpelling>(
  argv: readonly string[],
  options: readonly Option[],
  program: string,
): CommandLine<Option> {
  const fail = (text: string): never => {
    throw new UsageError(`${program}: ${text}`, true);
  };
  const table = new Map(options.flatMap((option) => option.names.map((name) => [name, option])));
  const words = [...argv];
  const given: GivenOption<Option>[] = [];
  const operands: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") operands.push(...words.splice(0));
    else if (word.startsWith("--")) given.push(longOption(word, words, table, fail));
    else if (word.startsWith("-") && word !== "-") letters(word, words, table, given, fail);
    else operands.push(word);
  }
  return { given, operands };
}

type Table<Option> = ReadonlyMap<string, Option>;
type Fail = (text: string) => never;

function longOption<Option extends OptionSpelling>(
  word: string,
  words: string[],
  table: Table<Option>,
  fail: Fail,
): GivenOption<Option> {
  const [, start = "", , text] = /^--([^=]*)(=(.*))?$/s.exec(word) ?? [];
  const [name, option] = findLong(start, table, fail);
  if (option.argument === "none" && text !== undefined) {
    fail(`option '--${name}' doesn't allow an argument`);
  }
  if (option.argument !== "required" || text !== undefined) {
    return { option, name, value: text ?? null };
  }
  const value = words.shift() ?? fail(`option '--${name}' requires an argument`);
  return { option, name, value };
}

function findLong<Option extends OptionSpelling>(
  start: string,
  table: Table<Option>,
  fail: Fail,
): readonly [string, Option] {
  const exact = start.length > 1 ? table.get(start) : undefined;
  if (exact !== undefined) return [start, exact];
  const found = [...table].filter(([name]) => name.length > 1 && name.startsWith(start));
  const [first] = found;
  if (first === undefined) return fail(`unrecognized option '--${start}'`);
  if (found.every(([, option]) => option === first[1])) return first;
  const names = found.map(([name]) => ` '--${name}'`).join("");
  return fail(`option '--${start}' is ambiguous; possibilities:${names}`);
}

/** The options of one word of letters, `-vvp4`. */
function letters<Option extends OptionSpelling>(
  word: string,
  words: string[],
  table: Table<Option>,
  given: GivenOption<Option>[],
  fail: Fail,
): void {
  for (let at = 1; at < word.length; at++) {
    const name = word.charAt(at);
    const option = table.get(name) ?? fail(`invalid option -- '${name}'`);
    if (option.argument === "none") {
      given.push({ option, name, value: null });
      continue;
    }
    const rest = word.slice(at + 1);
    if (option.argument === "required") {
      const missing = (): never => fail(`option requires an argument -- '${name}'`);
      given.push({ option, name, value: rest === "" ? (words.shift() ?? missing()) : rest });
    } else given.push({ option, name, value: rest === "" ? null : rest });
    return;
  }
}
