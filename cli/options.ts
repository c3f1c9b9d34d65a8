/**
 * The command line: SystemTap's option letters (stap(1)), parsed and checked.
 * Long options without a letter are wastap's own.
 */
import { parseArgs } from "node:util";

/** What a user got wrong on the command line; the message is one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Where the script comes from. */
export type ScriptSource =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string };

/** A checked command line. */
export interface Options {
  readonly script: ScriptSource | null;
  readonly extraScripts: readonly string[];
  readonly args: readonly string[];
  readonly command: string | null;
  readonly pid: number | null;
  readonly lastPass: 1 | 2 | 3 | 4 | 5;
  readonly verbosity: number;
  readonly output: string | null;
  readonly moduleName: string | null;
  readonly globals: ReadonlyMap<string, string>;
  readonly defines: ReadonlyMap<string, string>;
  readonly modules: readonly string[];
  readonly tapsets: readonly string[];
  readonly dump: ReadonlySet<string>;
  readonly guru: boolean;
  readonly unoptimized: boolean;
  readonly noWarnings: boolean;
  readonly warningsAreErrors: boolean;
  readonly allowBreakpoints: boolean;
  readonly skipBadVariables: boolean;
  readonly suppressHandlerErrors: boolean;
  readonly suppressTimeLimits: boolean;
  readonly globalVariableDisplay: boolean;
  readonly compatible: string;
  readonly bufferMegabytes: number;
  readonly timeoutMs: number | null;
  readonly color: "auto" | "always" | "never";
  readonly help: boolean;
  readonly version: boolean;
}

/** 2 MB for each of 128 rings: what one handler can print at most. Only what is used takes memory. */
const DEFAULT_BUFFER_MEGABYTES = 256;

/** Artefacts that --dump can print. */
export const DUMPS = ["parse", "elaborate", "ir", "wasm", "x64", "plan"] as const;

const DEFINITIONS = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
  verbose: { type: "boolean", short: "v", multiple: true },
  script: { type: "string", short: "e", multiple: true },
  "extra-script": { type: "string", short: "E", multiple: true },
  command: { type: "string", short: "c" },
  pid: { type: "string", short: "x" },
  pass: { type: "string", short: "p" },
  output: { type: "string", short: "o" },
  module: { type: "string", short: "m" },
  global: { type: "string", short: "G", multiple: true },
  define: { type: "string", short: "D", multiple: true },
  object: { type: "string", short: "d", multiple: true },
  include: { type: "string", short: "I", multiple: true },
  buffer: { type: "string", short: "s" },
  timeout: { type: "string", short: "T" },
  guru: { type: "boolean", short: "g" },
  unoptimized: { type: "boolean", short: "u" },
  "no-warnings": { type: "boolean", short: "w" },
  "warnings-are-errors": { type: "boolean", short: "W" },
  dump: { type: "string", multiple: true },
  "allow-breakpoints": { type: "boolean" },
  "skip-badvars": { type: "boolean" },
  "suppress-handler-errors": { type: "boolean" },
  "suppress-time-limits": { type: "boolean" },
  "no-global-var-display": { type: "boolean" },
  compatible: { type: "string" },
  color: { type: "string" },
  colour: { type: "string" },
  ldd: { type: "boolean" },
  runtime: { type: "string" },
  dyninst: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse(argv: readonly string[]) {
  const withDefaults = argv.map((arg) => (/^--colou?r$/.test(arg) ? `${arg}=always` : arg));
  return parseArgs({
    args: withDefaults,
    options: DEFINITIONS,
    allowPositionals: true,
    strict: true,
  });
}

/** Parses `argv` (without node and program). Throws UsageError. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseOrExplain(argv);
  const rest = [...positionals];
  const script = scriptSource(values, rest);
  checkCombinations(values);
  return {
    script,
    extraScripts: values["extra-script"] ?? [],
    args: rest,
    command: values.command ?? null,
    pid: values.pid === undefined ? null : processId(values.pid),
    lastPass: lastPass(values.pass),
    verbosity: values.verbose?.length ?? 0,
    output: values.output ?? null,
    moduleName: values.module === undefined ? null : moduleName(values.module),
    globals: assignments(values.global, /^([a-z_]\w*)=([a-z0-9_.-]+)$/i, "-G", "NAME=VALUE"),
    defines: assignments(values.define, /^([a-z_]\w*)(?:=(-?[a-z_0-9]+))?$/i, "-D", "NAME[=VALUE]"),
    modules: values.object ?? [],
    tapsets: values.include ?? [],
    dump: dumps(values.dump),
    guru: values.guru ?? false,
    unoptimized: values.unoptimized ?? false,
    noWarnings: values["no-warnings"] ?? false,
    warningsAreErrors: values["warnings-are-errors"] ?? false,
    allowBreakpoints: values["allow-breakpoints"] ?? false,
    skipBadVariables: values["skip-badvars"] ?? false,
    suppressHandlerErrors: values["suppress-handler-errors"] ?? false,
    suppressTimeLimits: values["suppress-time-limits"] ?? false,
    globalVariableDisplay: !(values["no-global-var-display"] ?? false),
    compatible: values.compatible ?? "5.6",
    bufferMegabytes:
      values.buffer === undefined ? DEFAULT_BUFFER_MEGABYTES : bufferSize(values.buffer),
    timeoutMs: values.timeout === undefined ? null : timeout(values.timeout),
    color: color(values.color ?? values.colour ?? "auto"),
    help: values.help ?? false,
    version: values.version ?? false,
  };
}

function parseOrExplain(argv: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(argv);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(text.split(". ")[0] ?? text);
  }
}

function scriptSource(values: Values, positionals: string[]): ScriptSource | null {
  const texts = values.script ?? [];
  if (texts.length > 1) throw new UsageError("Only one script can be given with -e.");
  if (texts[0] !== undefined) return { kind: "text", text: texts[0] };
  const path = positionals.shift();
  return path === undefined ? null : { kind: "file", path };
}

function checkCombinations(values: Values): void {
  if (values.command !== undefined && values.pid !== undefined) {
    throw new UsageError("You can't specify -c and -x together.");
  }
  if (values.command === "") throw new UsageError("Empty CMD string invalid.");
  if (values["suppress-time-limits"] && !values.guru) {
    throw new UsageError("--suppress-time-limits requires guru mode (-g).");
  }
  const runtime = values.runtime;
  if (runtime !== undefined && !["kernel", "dyninst", "bpf"].includes(runtime)) {
    throw new UsageError(`${runtime} is an invalid argument for --runtime`);
  }
  if (runtime === "kernel" || runtime === "bpf") {
    throw new UsageError(`--runtime=${runtime} unavailable; wastap runs in the traced process`);
  }
}

function processId(text: string): number {
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid < 1) throw new UsageError("Invalid target process ID number.");
  return pid;
}

function lastPass(text: string | undefined): Options["lastPass"] {
  const pass = Number(text ?? "5");
  if (pass === 1 || pass === 2 || pass === 3 || pass === 4 || pass === 5) return pass;
  throw new UsageError("Invalid pass number (should be 1-5).");
}

function moduleName(text: string): string {
  if (/^[a-z0-9_]+$/.test(text)) return text;
  throw new UsageError(`Invalid module name "${text}" (only a-z, 0-9 and _).`);
}

function assignments(
  texts: readonly string[] | undefined,
  pattern: RegExp,
  option: string,
  form: string,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of texts ?? []) {
    const match = pattern.exec(text);
    if (match?.[1] === undefined) {
      throw new UsageError(`Illegal value "${text}" for ${option} (should be ${form}).`);
    }
    found.set(match[1], match[2] ?? "1");
  }
  return found;
}

function dumps(texts: readonly string[] | undefined): ReadonlySet<string> {
  const names = (texts ?? []).flatMap((text) => text.split(","));
  const wrong = names.find((name) => !DUMPS.some((known) => known === name));
  if (wrong !== undefined) {
    throw new UsageError(`Unknown artefact "${wrong}" for --dump (known: ${DUMPS.join(", ")}).`);
  }
  return new Set(names);
}

function bufferSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= 1024) return size;
  throw new UsageError("Invalid buffer size (should be 1-1024).");
}

function timeout(text: string): number {
  const milliseconds = Number(text) * 1000;
  if (milliseconds >= 1) return milliseconds;
  throw new UsageError("Invalid timeout interval.");
}

function color(text: string): Options["color"] {
  if (text === "auto" || text === "always" || text === "never") return text;
  throw new UsageError(`Invalid argument '${text}' for --color.`);
}
