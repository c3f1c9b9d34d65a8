/**
 * Which processes are stopped at our request. A thread of theirs may have been stopped inside of a
 * handler, with locks; a handler of this process that waited for one would wait in vain, since who
 * waits here cannot let that thread go on. So handlers of this process run between such stops.
 */
import type { Tracer } from "./ptrace.js";

/** A tracer whose stops are counted. */
export interface StopCounter {
  readonly tracer: Tracer;
  /** Does `action` as soon as no process is stopped, in the order in which they were given. */
  whenNone(action: () => void): void;
  /** A process has ended: all of its stops are over. */
  forget(pid: number): void;
}

/** Counts the stops that are asked of `tracer`. */
export function countStops(tracer: Tracer): StopCounter {
  const depths = new Map<number, number>();
  const held = new Set<number>();
  const waiting: (() => void)[] = [];
  const add = (pid: number, change: number): void => {
    const depth = (depths.get(pid) ?? 0) + change;
    if (depth > 0) depths.set(pid, depth);
    else depths.delete(pid);
    act();
  };
  const act = (): void => {
    while (depths.size === 0 && held.size === 0) {
      const action = waiting.shift();
      if (action === undefined) return;
      action();
    }
  };
  const forget = (pid: number): void => {
    depths.delete(pid);
    held.delete(pid);
    act();
  };
  return {
    tracer: {
      ...tracer,
      // Threads stop before the request is answered.
      stop: async (pid, deadlineMs) => {
        add(pid, 1);
        try {
          return await tracer.stop(pid, deadlineMs);
        } catch (error) {
          add(pid, -1);
          throw error;
        }
      },
      resume: (pid) => tracer.resume(pid).finally(() => add(pid, -1)),
      hold: async (pid) => {
        held.add(pid);
        try {
          await tracer.hold(pid);
        } catch (error) {
          held.delete(pid);
          act();
          throw error;
        }
      },
      release: async (pid) => {
        await tracer.release(pid);
        held.delete(pid);
        act();
      },
      detach: (pid) => tracer.detach(pid).finally(() => forget(pid)),
    },
    whenNone: (action) => {
      waiting.push(action);
      act();
    },
    forget,
  };
}
