/** What the command line can ask for, and what holds when it does not (stap(1), cli.md §2). */
import type { PrologueSearching } from "../base/stage.js";
import type { Limited } from "./resource-limits.js";

/** Where the script comes from. */
export type ScriptSource =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string };

/** What a listing mode lists. */
export type Listing =
  | { readonly kind: "probes"; readonly pattern: string; readonly variables: boolean }
  | { readonly kind: "probe types" | "probe aliases" | "functions" };

/** Artefacts that --dump can print. */
export const DUMPS = ["parse", "elaborate", "ir", "wasm", "x64", "plan"] as const;

/** How the compile cache is used. */
export type CacheUse = "read and write" | "write only" | "off" | "clean";

/** A checked command line. */
export interface Options {
  readonly script: ScriptSource | null;
  readonly extraScripts: readonly string[];
  readonly args: readonly string[];
  /** -l, -L, --dump-probe-types and the like. */
  readonly listing: Listing | null;
  /** --example NAME: the script is one of the package's examples. */
  readonly example: boolean;
  readonly command: string | null;
  readonly pid: number | null;
  /** --target-namespaces: the process whose namespaces ids are of. */
  readonly targetNamespaces: number | null;
  readonly lastPass: 1 | 2 | 3 | 4 | 5;
  /** Verbosity of each pass, the first one at index 0. */
  readonly verbosity: readonly number[];
  readonly output: string | null;
  /** -S: how large an output file becomes, and how many are kept (0 = all). */
  readonly rotation: { readonly megabytes: number; readonly files: number } | null;
  readonly moduleName: string | null;
  readonly globals: ReadonlyMap<string, string>;
  readonly defines: ReadonlyMap<string, string>;
  readonly tapsets: readonly string[];
  readonly dump: ReadonlySet<string>;
  readonly guru: boolean;
  readonly unoptimized: boolean;
  readonly noWarnings: boolean;
  readonly warningsAreErrors: boolean;
  readonly allowBreakpoints: boolean;
  readonly skipBadVariables: boolean;
  readonly prologueSearching: PrologueSearching;
  readonly suppressHandlerErrors: boolean;
  readonly suppressTimeLimits: boolean;
  readonly globalVariableDisplay: boolean;
  /** -t */
  readonly timing: boolean;
  /** -q: what is compiled is counted in a data base. */
  readonly coverage: boolean;
  /** --monitor: milliseconds between two looks, null = no monitor. */
  readonly monitorMs: number | null;
  /** -i: commands are read and done. */
  readonly interactive: boolean;
  /** --language-server */
  readonly languageServer: boolean;
  /** --semantic-keep-going: errors of pass 2 are also listed for programs. */
  readonly errorCatalog: boolean;
  readonly compatible: string;
  readonly checkVersion: boolean;
  /** --rlimit-… */
  readonly limits: ReadonlyMap<Limited, bigint>;
  readonly bufferMegabytes: number;
  readonly timeoutMs: number | null;
  readonly color: "auto" | "always" | "never";
  /** -F: go on in the background. */
  readonly flightRecorder: boolean;
  /** --attach: the name of a session in the background. */
  readonly attach: string | null;
  /** -k */
  readonly keepDirectory: boolean;
  /** --tmpdir */
  readonly directory: string | null;
  readonly cache: CacheUse;
  readonly runtime: string;
  readonly privilege: string | null;
  readonly help: boolean;
  readonly version: boolean;
  /** --sysroot: an absolute path without links; null for this machine's own files. */
  readonly sysroot: string | null;
  /** --sysenv */
  readonly systemVariables: ReadonlyMap<string, string>;
  /** What to tell about options that have no effect here. */
  readonly remarks: readonly string[];
}

/** Options while they are collected. */
export type Draft = { -readonly [Name in keyof Options]: Options[Name] };

/** 2 MB for each of 128 rings: what one handler can print at most. Only what is used takes memory. */
const DEFAULT_BUFFER_MEGABYTES = 256;

/** Version of SystemTap whose language this is. */
export const LANGUAGE_VERSION = "5.6";

/** Options when nothing is given. */
export function defaultOptions(): Draft {
  return {
    script: null,
    extraScripts: [],
    args: [],
    listing: null,
    example: false,
    command: null,
    pid: null,
    targetNamespaces: null,
    lastPass: 5,
    verbosity: [0, 0, 0, 0, 0],
    output: null,
    rotation: null,
    moduleName: null,
    globals: new Map(),
    defines: new Map(),
    tapsets: [],
    dump: new Set(),
    guru: false,
    unoptimized: false,
    noWarnings: false,
    warningsAreErrors: false,
    allowBreakpoints: false,
    skipBadVariables: false,
    prologueSearching: "auto",
    suppressHandlerErrors: false,
    suppressTimeLimits: false,
    globalVariableDisplay: true,
    timing: false,
    coverage: process.env["SYSTEMTAP_COVERAGE"] !== undefined,
    monitorMs: null,
    interactive: false,
    languageServer: false,
    errorCatalog: false,
    compatible: LANGUAGE_VERSION,
    checkVersion: false,
    limits: new Map(),
    bufferMegabytes: DEFAULT_BUFFER_MEGABYTES,
    timeoutMs: null,
    color: "auto",
    flightRecorder: false,
    attach: null,
    keepDirectory: false,
    directory: null,
    cache: "read and write",
    runtime: "dyninst",
    privilege: null,
    help: false,
    version: false,
    sysroot: null,
    systemVariables: new Map(),
    remarks: [],
  };
}
