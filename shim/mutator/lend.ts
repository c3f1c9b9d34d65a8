/**
 * Lends a descriptor of this process to processes of other users, who cannot see into /proc/PID/fd
 * of ours (proc_pid_fd(5)): a process of their own user has it meanwhile. Only root can make one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statusText } from "./process.js";

/** A descriptor that processes of one user can open. */
export interface Loan {
  /** Where they can open it. */
  readonly path: string;
  /** Ends the process that has it. */
  end(): Promise<void>;
}

/** Who holds it: ends with its standard input, so also with us. */
const HOLDER = "/bin/cat";
const LENT = 3;

/** Lends `descriptor` to the user of process `pid`; null if we cannot. */
export async function lendDescriptor(pid: number, descriptor: number): Promise<Loan | null> {
  const [uid, gid] = [fileId(pid, "Uid"), fileId(pid, "Gid")];
  if (uid === null || gid === null || process.geteuid?.() !== 0) return null;
  try {
    const stdio = ["pipe", "ignore", "ignore", descriptor] as const;
    // They see its environment, too.
    const holder = spawn(HOLDER, { uid, gid, cwd: "/", env: {}, stdio: [...stdio] });
    const ended = new Promise<void>((resolve) => holder.once("exit", () => resolve()));
    await once(holder, "spawn");
    return { path: `/proc/${holder.pid}/fd/${LENT}`, end: () => end(holder, ended) };
  } catch {
    return null;
  }
}

/** Also if somebody has ended or stopped it; without CAP_KILL it ends with its standard input. */
async function end(holder: ChildProcess, ended: Promise<void>): Promise<void> {
  holder.on("error", () => {});
  holder.stdin?.destroy();
  holder.kill("SIGKILL");
  await ended;
}

/** The user or group that opens files for process `pid` (proc_pid_status(5)). */
function fileId(pid: number, field: "Uid" | "Gid"): number | null {
  const [, , , id] = statusText(pid, field)?.split(/\s+/) ?? [];
  return id === undefined ? null : Number(id);
}
