/**
 * What a bundle says of itself: msgpack in the custom section "wastap" of the Wasm module
 * (Wasm core 2.0 §5.5.3). The compiler writes it; engines, mutator and reader need nothing else.
 *
 * A bundle imports memory "env" "memory" (shared, minimum = maximum), library functions from
 * module "lib" (library-abi.ts) and may import "host" functions. It exports `init` (() -> (), run
 * once before anything else) and one function (context: i32) -> () for each probe.
 */

/** Name of the custom section. */
export const BUNDLE_SECTION = "wastap";
/** Version of this description. */
export const BUNDLE_VERSION = 2;

/** How linear memory is laid out; addresses and sizes in bytes. */
export interface BundleMemory {
  readonly pages: number;
  readonly contextBase: number;
  readonly contextStride: number;
  /** Number of thread contexts. The last one (slotCount) is the mutator's own. */
  readonly slotCount: number;
  /** Offset in a context of its scratch area, which goes to the end of the context. */
  readonly scratchOffset: number;
  readonly ringBase: number;
  readonly ringBytes: number;
  readonly ringCount: number;
  /** Address of PROCFS and its bytes; 0 without control files. */
  readonly procfs: number;
  readonly procfsBytes: number;
  readonly maxString: number;
}

/** Part of a print format: text, or one conversion with the argument(s) it takes. */
export type FormatPiece =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "long" | "string" | "memory";
      /** TEXT_SPEC bits. */
      readonly spec: number;
      /** Fixed value, "argument" (`*`: taken from the record before the value), or null. */
      readonly width: number | "argument" | null;
      readonly precision: number | "argument" | null;
    }
  | {
      readonly kind: "histogram";
      readonly histogram: "linear" | "log";
      /** Parameters of @hist_linear, decimal (i64); 0 for log. */
      readonly low: string;
      readonly high: string;
      readonly width: string;
      /** Columns of the bars. */
      readonly barWidth: number;
      /** Empty rows shown around those in use, negative = all. */
      readonly elision: number;
    };

/** One print statement: the item's arguments in order give the non-text pieces. */
export interface Format {
  readonly pieces: readonly FormatPiece[];
}

/** A global variable, for dumps and readers. */
export interface BundleGlobal {
  readonly name: string;
  readonly type: "long" | "string" | "stats";
  readonly keys: readonly ("long" | "string")[];
  /** Address of its map, value or descriptor in linear memory. */
  readonly address: number;
}

/** Where code of a module is to be probed. `address` is an ELF virtual address, as a number < 2^53. */
export interface BundleSite {
  readonly kind: "site";
  /** Absolute path of the executable or library as found when compiling. */
  readonly module: string;
  /** GNU build-id in hex, or null when the file has none. */
  readonly buildId: string | null;
  /** Function entry or exact instruction; for "exits" the start of the function. */
  readonly address: number;
  /**
   * "exits" = every return and tail jump of [address, address + size); "calls" = behind every call
   * of `address` in its own module, when it returns.
   */
  readonly place: "instruction" | "exits" | "calls";
  /** Size of the function, 0 if unknown or not a function. */
  readonly size: number;
  /** Name of the function or "provider:mark", for messages. */
  readonly symbol: string;
  /** ELF address of the mark's 16-bit semaphore, 0 if none. */
  readonly semaphore: number;
  /** Process that it is about, 0 = all that have the module. */
  readonly pid: number;
}

/** A module whose load bias handlers ask for. */
export interface BundleModule {
  /** Absolute path of the executable or library as found when compiling. */
  readonly path: string;
  /** GNU build-id in hex, or null when the file has none. */
  readonly buildId: string | null;
}

/** When a handler runs. */
export type BundlePoint =
  | { readonly kind: "begin" | "end" | "error"; readonly order: number }
  | { readonly kind: "never" }
  | { readonly kind: "timer"; readonly intervalNs: number; readonly randomizeNs: number }
  | {
      readonly kind: "process";
      readonly event: "begin" | "end" | "thread.begin" | "thread.end";
      /** Executable that it is about, null = the target. */
      readonly path: string | null;
      readonly pid: number;
    }
  /** System calls of a process. */
  | {
      readonly kind: "syscall";
      readonly isReturn: boolean;
      /** As of "process". */
      readonly path: string | null;
      readonly pid: number;
    }
  /** Accesses to data of the target. */
  | {
      readonly kind: "watch";
      /** Data symbol of the program or of one of its libraries, null = `address`. */
      readonly symbol: string | null;
      /** Address in the process. */
      readonly address: number;
      /** 1, 2, 4 or 8; null = size of the symbol, or 1. */
      readonly bytes: number | null;
      readonly access: "write" | "read and write";
    }
  /** Events that the kernel or the processor counts (perf_event_open(2)), each so many. */
  | {
      readonly kind: "perf";
      readonly type: number;
      /** Decimal, 64 bits. */
      readonly config: string;
      /** Events between two samples, or samples in a second. */
      readonly sample: number;
      readonly isFrequency: boolean;
      /** Executable that it is about, null = all traced processes. */
      readonly path: string | null;
    }
  /** Samples of running threads, each after so much processor time. */
  | {
      readonly kind: "profile";
      readonly intervalNs: number;
      /** Executable that it is about, null = all traced processes. */
      readonly path: string | null;
    }
  /** A control file is read or written. */
  | {
      readonly kind: "procfs";
      /** Below the directory of the session. */
      readonly path: string;
      readonly access: "read" | "write";
      /** Permissions that the file does not have, null if none were said. */
      readonly umask: number | null;
      /** Bytes of PROCFS.text that the handler may fill, null = as many as the program's default. */
      readonly bytes: number | null;
    }
  /** An address of process `pid`. */
  | {
      readonly kind: "absolute";
      readonly pid: number;
      readonly address: number;
      readonly place: "instruction" | "exits";
    }
  /** What SystemTap accepts and nothing here can run; never in a bundle. */
  | { readonly kind: "unsupported"; readonly feature: string }
  | BundleSite;

/** One probe handler. */
export interface BundleProbe {
  /** Export name of its function. */
  readonly handler: string;
  /** Resolved probe point, as pp() gives it. */
  readonly name: string;
  /** FILE:LINE:COLUMN of the probe. */
  readonly source: string;
  readonly point: BundlePoint;
}

/** Content of the custom section. */
export interface BundleMeta {
  readonly version: number;
  readonly abi: number;
  readonly memory: BundleMemory;
  readonly probes: readonly BundleProbe[];
  readonly formats: readonly Format[];
  readonly globals: readonly BundleGlobal[];
  /** What `load_bias` of the host counts. */
  readonly modules: readonly BundleModule[];
  /** Texts "TOKENTYPE 'token' at FILE:LINE:COLUMN" that CONTEXT.location indexes; 0 is "". */
  readonly locations: readonly string[];
  /** Names of CAPABILITY bits that the handlers need. */
  readonly capabilities: readonly string[];
  /** Limits and options the session needs. */
  readonly session: {
    readonly maxErrors: number;
    readonly maxSkipped: number;
    readonly suppressErrors: boolean;
    readonly lockTries: number;
    /** Statements that a handler may run, null = any number. */
    readonly maxAction: number | null;
  };
  /** Warnings of the compiler that concern the run, e.g. truncated constants. */
  readonly warnings: readonly string[];
}
