/**
 * The command line, checked: SystemTap's options (stap(1), cli.md §2) and a few of wastap's own,
 * those of the options file first. Messages are SystemTap's.
 */
import { type GivenOption, splitCommandLine, UsageError } from "./getopt.js";
import { OPTION_TABLE, type TableOption } from "./option-table.js";
import { shareNamespaces } from "./option-values.js";
import { type Draft, defaultOptions, type Options } from "./options.js";

/** Parses `argv` (without node and program), after the words of the options file. Throws UsageError. */
export function parseOptions(argv: readonly string[], fromFile: readonly string[] = []): Options {
  const { given, operands } = splitCommandLine([...fromFile, ...argv], OPTION_TABLE, "wastap");
  const draft = defaultOptions();
  for (const option of given) {
    apply(option, draft);
    if (draft.help || draft.version) return draft;
  }
  takeOperands(draft, operands);
  checkScript(draft);
  checkOptions(draft);
  remarkPrivilege(draft);
  return draft;
}

function apply({ option, name, value }: GivenOption<TableOption>, draft: Draft): void {
  option.apply(draft, value, name);
}

function takeOperands(draft: Draft, operands: readonly string[]): void {
  const [first, ...rest] = operands;
  const isScript = draft.script === null && draft.listing === null && first !== undefined;
  if (isScript) draft.script = { kind: "file", path: first };
  draft.args = isScript ? rest : operands;
}

function checkScript(draft: Draft): void {
  const { script, extraScripts, listing, interactive, languageServer } = draft;
  if (draft.cache === "clean" || draft.attach !== null) return;
  if (languageServer) checkLanguageServer(draft);
  else if (interactive) checkInteractive(draft);
  else if (listing === null && script === null && extraScripts.length === 0) {
    throw new UsageError("A script must be specified.", true);
  }
  if (listing !== null && script !== null) {
    throw new UsageError("Cannot specify a script with -l/-L/--dump-* switches.", true);
  }
  if (listing !== null && draft.lastPass !== 5) {
    throw new UsageError("Cannot specify -p with -l/-L/--dump-* switches.", true);
  }
}

function checkInteractive({ script, listing, example }: Draft): void {
  if (listing !== null) {
    throw new UsageError("Cannot specify -i with -l/-L/--dump-* switches.", true);
  }
  if (script?.kind !== "file" || example) return;
  if (script.path === "-") {
    throw new UsageError("ERROR: with -i, standard input has commands and not the script");
  }
  if (script.path.endsWith(".wasm")) {
    throw new UsageError("ERROR: -i builds scripts; a bundle is run without it");
  }
}

function checkLanguageServer({ script, extraScripts, listing, interactive }: Draft): void {
  if (script !== null || extraScripts.length > 0) {
    throw new UsageError("Cannot specify a script with --language-server.", true);
  }
  if (listing !== null || interactive) {
    throw new UsageError("Cannot specify --language-server with -i/-l/-L/--dump-*.", true);
  }
}

/** What cannot be run; earlier passes do not mind. */
function checkRun({ rotation, output, flightRecorder, command }: Options): void {
  if (rotation !== null && output === null) {
    throw new UsageError("You have to specify output FILE with '-S' option.", true);
  }
  if (!flightRecorder) return;
  if (command !== null) {
    throw new UsageError("ERROR: -F and -c exclude each other: the command needs the terminal");
  }
}

/** Throws UsageError where options exclude each other. */
export function checkOptions(draft: Options): void {
  if (draft.command !== null && draft.pid !== null) {
    throw new UsageError("You can't specify -c and -x together.", true);
  }
  if (draft.command === "") throw new UsageError("Empty CMD string invalid.", true);
  if (draft.suppressTimeLimits && !draft.guru) {
    throw new UsageError("ERROR --suppress-time-limits requires guru mode (-g)");
  }
  checkNamespaces(draft);
  if (draft.lastPass === 5) checkRun(draft);
  const { runtime } = draft;
  if (runtime !== "dyninst") {
    throw new UsageError(
      `ERROR: --runtime=${runtime} unavailable; wastap runs in the traced process`,
    );
  }
}

/** Handlers have the ids of their process's own namespaces. */
function checkNamespaces({ targetNamespaces, pid }: Options): void {
  if (targetNamespaces === null || shareNamespaces(targetNamespaces, "self")) return;
  if (pid !== null && shareNamespaces(targetNamespaces, pid)) return;
  throw new UsageError(
    "ERROR: not supported yet: --target-namespaces other than those of wastap or of -x PID",
  );
}

function remarkPrivilege(draft: Draft): void {
  const { privilege } = draft;
  if (privilege === null || privilege === "stapusr") return;
  draft.remarks = [
    ...draft.remarks,
    `--privilege=${privilege} has no effect: wastap never needs more than the right to trace`,
  ];
}
