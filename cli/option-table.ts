/**
 * Every option with its spellings and what it does: those of stap(1), those of stap that have no
 * meaning in user space (ignored with a remark, or refused), and wastap's own.
 */
import { type ArgumentUse, type OptionSpelling, UsageError } from "./getopt.js";
import {
  choice,
  compatibleVersion,
  definition,
  dumps,
  globalAssignment,
  integer,
  matching,
  moduleName,
  passNumber,
  passVerbosity,
  rotation,
  timeoutMs,
} from "./option-values.js";
import type { Draft, Listing } from "./options.js";
import { DUMPS, LANGUAGE_VERSION } from "./options.js";
import { LIMITED, parseLimit } from "./resource-limits.js";
import { setSysroot, setSystemVariable } from "./system-options.js";

/** An option and what it does to the options collected so far. */
export interface TableOption extends OptionSpelling {
  apply(draft: Draft, value: string | null, name: string): void;
}

/** Memory that the rings may take: the linear memory of a bundle has room for no more. */
const MOST_BUFFER_MEGABYTES = 1024;

/** What a timer of Node can wait for. */
const MOST_SECONDS = 2_000_000;

const MESSAGES = {
  buffer: "Invalid buffer size (should be 1-4095).",
  pid: "Invalid target process ID number.",
  monitor: "Invalid monitor interval.",
  namespaces: "Invalid process ID number for target namespaces.",
} as const;

/** A switch that sets one member. */
function sets<Name extends keyof Draft>(
  names: string,
  member: Name,
  value: Draft[Name],
): TableOption {
  return define(names, "none", (draft) => {
    draft[member] = value;
  });
}

/** An option with a value. */
function takes(names: string, apply: (draft: Draft, value: string) => void): TableOption {
  return define(names, "required", (draft, value) => apply(draft, value ?? ""));
}

function define(names: string, argument: ArgumentUse, apply: TableOption["apply"]): TableOption {
  return { names: names.split(" "), argument, apply };
}

/** An option of the kernel's or of a build; what it asks for does not exist here. */
function ignored(names: string, argument: ArgumentUse, why: string): TableOption {
  return define(names, argument, (draft, _value, name) => remark(draft, name, why));
}

/** An option that changes what is done so much that ignoring it would mislead. */
function refused(names: string, argument: ArgumentUse, why: string): TableOption {
  return define(names, argument, (_draft, _value, name) => {
    throw new UsageError(`ERROR: ${why}: ${dashed(name)}`);
  });
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function remark(draft: Draft, name: string, why: string): void {
  draft.remarks = [...draft.remarks, `${dashed(name)} has no effect: ${why}`];
}

function lists(draft: Draft, listing: Listing): void {
  if (draft.listing !== null) {
    throw new UsageError("ERROR: only one of the -l/-L/--dump-* switches may be specified");
  }
  draft.listing = listing;
}

const SESSION: readonly TableOption[] = [
  takes("e", (draft, text) => {
    if (draft.script !== null) {
      throw new UsageError("Only one script can be given on the command line.");
    }
    draft.script = { kind: "text", text };
  }),
  takes("E", (draft, text) => {
    draft.extraScripts = [...draft.extraScripts, text];
  }),
  takes("example", (draft, name) => {
    draft.script = { kind: "file", path: name };
    draft.example = true;
  }),
  takes("c", (draft, command) => {
    draft.command = command;
  }),
  takes("x", (draft, pid) => {
    draft.pid = integer(pid, 1, 2 ** 31 - 1, MESSAGES.pid);
  }),
  takes("o", (draft, path) => {
    draft.output = path;
  }),
  takes("S", (draft, text) => {
    draft.rotation = rotation(text);
  }),
  takes("p", (draft, text) => {
    draft.lastPass = passNumber(text);
  }),
  takes("m", (draft, text) => {
    const { name, cut } = moduleName(text);
    draft.moduleName = name;
    if (cut) draft.remarks = [...draft.remarks, `Truncating module name to '${name}'`];
  }),
  takes("s", (draft, text) => {
    const megabytes = integer(text, 1, 4095, MESSAGES.buffer);
    draft.bufferMegabytes = Math.min(megabytes, MOST_BUFFER_MEGABYTES);
    if (megabytes <= MOST_BUFFER_MEGABYTES) return;
    draft.remarks = [...draft.remarks, `-s is limited to ${MOST_BUFFER_MEGABYTES} MB here`];
  }),
  takes("T", (draft, text) => {
    draft.timeoutMs = timeoutMs(text);
  }),
  takes("runtime", (draft, mode) => {
    if (!["kernel", "dyninst", "bpf"].includes(mode)) {
      throw new UsageError(`ERROR: ${mode} is an invalid argument for --runtime`);
    }
    draft.runtime = mode;
  }),
  sets("dyninst", "runtime", "dyninst"),
  sets("bpf", "runtime", "bpf"),
];

const COMPILER: readonly TableOption[] = [
  takes("G", (draft, text) => {
    draft.globals = new Map([...draft.globals, globalAssignment(text)]);
  }),
  takes("D", (draft, text) => {
    draft.defines = new Map([...draft.defines, definition(text)]);
  }),
  takes("I", (draft, directory) => {
    draft.tapsets = [...draft.tapsets, directory];
  }),
  takes("sysroot", setSysroot),
  takes("sysenv", setSystemVariable),
  // Symbols of all loaded objects are used anyway.
  takes("d", (_draft, path) => {
    if (path === "") throw new UsageError("Data object (-d) cannot be empty.");
  }),
  sets("g", "guru", true),
  sets("u", "unoptimized", true),
  sets("skip-badvars", "skipBadVariables", true),
  sets("suppress-handler-errors", "suppressHandlerErrors", true),
  sets("suppress-time-limits", "suppressTimeLimits", true),
  sets("no-global-var-display", "globalVariableDisplay", false),
  sets("t", "timing", true),
  sets("q", "coverage", true),
  takes("compatible", (draft, text) => {
    draft.compatible = compatibleVersion(text, LANGUAGE_VERSION);
  }),
  sets("check-version", "checkVersion", true),
  ...LIMITED.map((resource) =>
    takes(`rlimit-${resource}`, (draft, text) => {
      draft.limits = new Map([...draft.limits, [resource, parseLimit(resource, text)]]);
    }),
  ),
  takes("privilege", (draft, text) => {
    const allowed = ["stapusr", "stapsys", "stapdev"] as const;
    draft.privilege = choice(text, allowed, { option: "privilege", otherwise: "stapusr" });
  }),
  sets("unprivileged", "privilege", "stapusr"),
  sets("disable-cache", "cache", "off"),
  sets("poison-cache", "cache", "write only"),
  sets("clean-cache", "cache", "clean"),
  sets("k", "keepDirectory", true),
  sets("F", "flightRecorder", true),
  define("attach", "required", (draft, name) => {
    draft.attach = matching(name ?? "", "^[a-z0-9_]+$", "--attach parameter")[0];
  }),
  sets("i interactive", "interactive", true),
  sets("language-server", "languageServer", true),
  define("monitor", "optional", (draft, text) => {
    const seconds = text === null ? 1 : integer(text, 1, MOST_SECONDS, MESSAGES.monitor);
    draft.monitorMs = 1000 * seconds;
  }),
  takes("tmpdir", (draft, directory) => {
    matching(directory, "^[-/._0-9a-z]+$", "TMPDIR");
    draft.directory = directory;
  }),
];

const MESSAGES_AND_LISTINGS: readonly TableOption[] = [
  sets("h help", "help", true),
  sets("V version", "version", true),
  define("v", "none", (draft) => {
    draft.verbosity = draft.verbosity.map((each) => each + 1);
  }),
  takes("vp", (draft, text) => {
    const more = passVerbosity(text);
    draft.verbosity = draft.verbosity.map((each, pass) => each + (more[pass] ?? 0));
  }),
  sets("w", "noWarnings", true),
  sets("W", "warningsAreErrors", true),
  sets("semantic-keep-going", "errorCatalog", true),
  define("color colour", "optional", (draft, text) => {
    const allowed = ["auto", "always", "never"] as const;
    draft.color = choice(text, allowed, { option: "color", otherwise: "always" });
  }),
  takes("l", (draft, pattern) => lists(draft, { kind: "probes", pattern, variables: false })),
  takes("L", (draft, pattern) => lists(draft, { kind: "probes", pattern, variables: true })),
  define("dump-probe-types", "none", (draft) => lists(draft, { kind: "probe types" })),
  define("dump-probe-aliases", "none", (draft) => lists(draft, { kind: "probe aliases" })),
  define("dump-functions", "none", (draft) => lists(draft, { kind: "functions" })),
  takes("dump", (draft, text) => {
    draft.dump = new Set([...draft.dump, ...dumps(text, DUMPS)]);
  }),
  sets("allow-breakpoints", "allowBreakpoints", true),
];

const NO_KERNEL = "wastap runs in user space";

const WITHOUT_EFFECT: readonly TableOption[] = [
  ignored("r", "required", NO_KERNEL),
  define("a", "required", (draft, value, name) => {
    matching(value ?? "", "^[a-z0-9_-]+$", "-a parameter");
    remark(draft, name, NO_KERNEL);
  }),
  ignored("R", "required", NO_KERNEL),
  ignored("B", "required", NO_KERNEL),
  ignored("b", "none", "all output goes to one stream"),
  ignored("all-modules", "none", NO_KERNEL),
  ignored("save-uprobes", "none", NO_KERNEL),
  ignored("sign-module", "optional", NO_KERNEL),
  define("modinfo", "required", (draft, value, name) => {
    matching(value ?? "", "^[a-z_][a-z0-9_]*=.+$", "--modinfo parameter");
    remark(draft, name, NO_KERNEL);
  }),
  ignored("build-as", "required", NO_KERNEL),
  ignored("debug", "none", "there is nothing that it would show"),
  define("ldd", "none", () => undefined),
  sets("P", "prologueSearching", "always"),
  define("prologue-searching", "optional", (draft, text) => {
    const allowed = ["auto", "always", "never"] as const;
    const option = "prologue-searching";
    draft.prologueSearching = choice(text, allowed, { option, otherwise: "always" });
  }),
  define("download-debuginfo", "optional", (draft, text, name) => {
    if (text !== null && !/^(yes|no|ask|[1-9]\d*)$/.test(text)) {
      throw new UsageError(
        `ERROR: ${text} is not a valid value. Use 'yes', 'no', 'ask' or a timeout value.`,
      );
    }
    if (text !== "no") remark(draft, name, "debuginfod is asked where DEBUGINFOD_URLS says so");
  }),
];

const REFUSED: readonly TableOption[] = [
  define("target-namespaces", "required", (draft, text) => {
    draft.targetNamespaces = integer(text ?? "", 1, 2 ** 31 - 1, MESSAGES.namespaces);
  }),
  ...["remote", "client-options", "benchmark-sdt-loops", "benchmark-sdt-threads"].map((name) =>
    refused(name, "required", "there are no servers and no remote hosts"),
  ),
  ...["use-server", "use-http-server", "use-server-on-error", "list-servers", "trust-servers"].map(
    (name) => refused(name, "optional", "there are no servers and no remote hosts"),
  ),
  refused("remote-prefix", "none", "there are no servers and no remote hosts"),
  refused("benchmark-sdt", "none", "see `make bench`"),
  ...["J", "j"].map((letter) =>
    define(letter, "none", () => {
      throw new UsageError(`Unhandled argument code ${letter.charCodeAt(0)}`);
    }),
  ),
];

/** All options. */
export const OPTION_TABLE: readonly TableOption[] = [
  ...SESSION,
  ...COMPILER,
  ...MESSAGES_AND_LISTINGS,
  ...WITHOUT_EFFECT,
  ...REFUSED,
];
