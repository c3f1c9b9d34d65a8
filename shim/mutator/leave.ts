/** The end of a session: code is restored in all traced processes, and they are let go. */
import type { Follower } from "./follow.js";
import { isSystemFailure } from "./ptrace.js";
import { disarm, type Leaked, letGo, type Tracee } from "./tracee.js";

/** What `disarm` could not do. */
export interface Remains {
  readonly leaked: readonly Leaked[];
  /** Code that was changed by others and so not restored. */
  readonly foreign: readonly string[];
  /** Processes that could not be stopped; their probes are inert. */
  readonly stuck: readonly { readonly pid: number; readonly reason: string }[];
}

/** Takes everything back and lets go of all processes. */
export async function disarmAll(follower: Follower): Promise<Remains> {
  const { tracees, tracer, work } = follower;
  follower.state = "ending";
  follower.requests?.stop();
  follower.requests = null;
  const remains = { leaked: [] as Leaked[], foreign: [] as string[], stuck: [] as Stuck[] };
  const failed = new Set<number>();
  const attempt = async (tracee: Tracee, step: () => Promise<void>): Promise<void> => {
    if (failed.has(tracee.pid) || tracees.get(tracee.pid) !== tracee) return;
    try {
      await step();
    } catch (error) {
      if (isSystemFailure(error) && error.errno === ESTALE) return;
      if (!tracees.has(tracee.pid)) return;
      failed.add(tracee.pid);
      remains.stuck.push({ pid: tracee.pid, reason: messageOf(error) });
    }
  };
  const left = async (): Promise<Tracee[]> => {
    // Before that, those that are being attached to are not among them.
    await Promise.allSettled(work.values());
    return [...tracees.values()].filter(({ pid }) => !failed.has(pid));
  };
  for (let list = await left(); list.length > 0; list = await left()) {
    for (const tracee of list) {
      await attempt(tracee, async () => {
        if (tracee.watched.length > 0) await tracer.watch(tracee.pid, []);
        remains.foreign.push(...(await disarm(tracer, tracee)));
      });
    }
    for (const tracee of list) {
      await attempt(tracee, async () => {
        const leaked = await letGo(tracer, tracee);
        tracees.delete(tracee.pid);
        if (leaked !== null) remains.leaked.push(leaked);
      });
    }
  }
  return remains;
}

type Stuck = Remains["stuck"][number];

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The process executed another program meanwhile: what was to be undone is gone. */
const ESTALE = 116;
