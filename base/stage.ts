/** One step of the compiler: a pure function from one artefact to the next, and its text dump. */
export interface Stage<In, Out> {
  readonly name: string;
  run(input: In, context: CompileContext): Out;
  /** Text of `output`; `inDetail` as with -v. */
  dump(output: Out, inDetail?: boolean): string;
}

/** Options of a compilation and the sink for warnings; see compiler/pipeline.ts. */
export interface CompileContext {
  readonly options: CompileOptions;
  /** Reports a warning; duplicates are dropped by the sink. */
  warn(diagnostic: import("./diagnostic.js").Diagnostic): void;
  /** Told of each search for files that the result depends on. */
  onSearch?(search: FileSearch): void;
}

/** A search for files to probe: while it finds the same, a script means the same. */
export interface FileSearch {
  readonly kind: "executable" | "library" | "process" | "header";
  /** As written; the number of a process. */
  readonly name: string;
  /** Directories that come before the usual ones. */
  readonly searchPath: readonly string[];
  /** Absolute paths. */
  readonly found: readonly string[];
}

/** Whether to step over the prologue of a function. */
export type PrologueSearching = "auto" | "always" | "never";

/** Whose files are probed. */
export interface TargetSystem {
  /** --sysroot: directory that its files are below, links resolved; "" for this machine. */
  readonly sysroot: string;
  /** --sysenv: variables that have other values there. */
  readonly environment: ReadonlyMap<string, string>;
}

/** What the command line decides about a compilation. */
export interface CompileOptions {
  /** --sysroot, --sysenv; null for this machine. */
  readonly system?: TargetSystem | null;
  /** -g */
  readonly guru: boolean;
  /** --privilege=stapusr: only the points that SystemTap allows ordinary users. */
  readonly ordinaryUser: boolean;
  /** -u: keep unused code. */
  readonly unoptimized: boolean;
  /** Script arguments for $1 @1 … */
  readonly args: readonly string[];
  /** -D NAME=VALUE, MAXACTION and the like. */
  readonly defines: ReadonlyMap<string, string>;
  /** -G NAME=VALUE */
  readonly globals: ReadonlyMap<string, string>;
  /** Executable of -c or -x as an absolute path, for `process` without a path; null if none. */
  readonly targetPath: string | null;
  /** Tapset directories in search order. */
  readonly tapsetPath: readonly string[];
  /** --compatible, e.g. "5.6". */
  readonly compatible: string;
  /** --check-version: warn of declarations that depend on that version. */
  readonly checkVersion: boolean;
  readonly skipBadVariables: boolean;
  /** -P: whether probes of functions lie behind their prologues; auto = where variables need it. */
  readonly prologueSearching: PrologueSearching;
  readonly suppressHandlerErrors: boolean;
  readonly suppressTimeLimits: boolean;
  readonly globalVariableDisplay: boolean;
  /** -t: report how often handlers ran and how long they took. */
  readonly timing: boolean;
  /** --monitor: handlers tell a monitor how they do, and can be switched off. */
  readonly monitor: boolean;
  /** Base name for module_name(). */
  readonly moduleName: string;
  /** -s: megabytes of record rings. */
  readonly bufferMegabytes: number;
}
