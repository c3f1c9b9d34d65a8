/**
 * What is watched of a process: events (perf-events.ts) and accesses to data (watched-data.ts). The
 * tracing thread watches it in all threads, forked children inherit it (observe.cc).
 */
import { TargetError } from "../../base/target-error.js";
import { BREAKPOINT, describeEvent, whyNoEvents, whyNotCounted } from "./perf-events.js";
import { isSystemFailure, type SystemFailure, type Tracer, type WatchRow } from "./ptrace.js";

/** What handlers look at when it happens in a process. */
export interface Watched {
  readonly row: WatchRow;
  /** Indices of the probes whose handlers run. */
  readonly probes: readonly number[];
}

/** Registers that x86-64 has for watching data. */
const DEBUG_REGISTERS = 4;
/** kernel.perf_event_paranoid up to which users may watch data. */
const USERS_MAY = 2;
/** Bits of a number that bitwise operators see. */
const MOST_WATCHED = 32;

/** Has what is `watched` of process `pid` told. Throws TargetError if it cannot be. */
export async function watchProcess(
  tracer: Tracer,
  pid: number,
  watched: readonly Watched[],
): Promise<void> {
  const rows = watched.map(({ row }) => row);
  const data = rows.filter(isData);
  if (data.length > DEBUG_REGISTERS) throw cannotWatch("data", pid, tooMuch(data));
  if (rows.length > MOST_WATCHED) {
    const reason = `${rows.length} different events (${MOST_WATCHED} are possible)`;
    throw cannotWatch("events", pid, reason);
  }
  try {
    await tracer.watch(pid, rows);
  } catch (cause) {
    if (!isSystemFailure(cause)) throw cause;
    throw await refusal(tracer, pid, rows, cause);
  }
}

/** What to say of a refusal: it is due to the first of `rows` that is refused alone, or to their number. */
async function refusal(
  tracer: Tracer,
  pid: number,
  rows: readonly WatchRow[],
  cause: SystemFailure,
): Promise<TargetError> {
  for (const row of rows.filter((each) => !isData(each))) {
    try {
      await tracer.watch(pid, [row]);
      await tracer.watch(pid, []);
    } catch (alone) {
      if (!isSystemFailure(alone)) throw alone;
      const reason = whyNotCounted(alone.errno, row) ?? alone.message;
      return cannotWatch(describeEvent(row), pid, reason, alone);
    }
  }
  return cannotWatch("data", pid, whyNotWatched(cause.errno) ?? cause.message, cause);
}

function isData([, type]: WatchRow): boolean {
  return type === BREAKPOINT;
}

/** The failure to watch `what` of process `pid`. */
export function cannotWatch(
  what: string,
  pid: number,
  reason: string,
  cause?: unknown,
): TargetError {
  const about = { operation: "watch", subject: pid };
  return new TargetError(`cannot watch ${what} of process ${pid}: ${reason}`, about, { cause });
}

function tooMuch(data: readonly WatchRow[]): string {
  const places = data.map(([, , , , , , at, bytes]) => `${bytes} at 0x${at.toString(16)}`);
  return `the processor has ${DEBUG_REGISTERS} debug registers, ${data.length} are needed (bytes: ${places.join(", ")})`;
}

/** Why data cannot be watched, in words that help; null if nothing is known about `errno`. */
export function whyNotWatched(errno: number): string | null {
  switch (errno) {
    case ENOSPC:
      return "its debug registers are taken, perhaps by a debugger";
    case EINVAL:
      return "the kernel refuses the address";
    case ENXIO:
      return "a thread has no storage of its own yet (a statically linked program that begins: attach to it later)";
    case ENOENT:
    case EOPNOTSUPP:
      return "the kernel has no perf events for debug registers";
    default:
      return whyNoEvents(errno, USERS_MAY);
  }
}

const ENOENT = 2;
const ENXIO = 6;
const EINVAL = 22;
const ENOSPC = 28;
const EOPNOTSUPP = 95;
