/** Starts the program of -c, held before its first instruction (execvp(3) rules of search). */
import { TargetError } from "../../base/target-error.js";
import { isSystemFailure, type Tracer } from "./ptrace.js";

/** A program to start. */
export interface Command {
  readonly argv: readonly string[];
  /** Default: that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
}

/** Search path where the environment has none (execvp(3)). */
const DEFAULT_PATH = "/bin:/usr/bin";

/** Process id of the started program, which is held. Throws TargetError if it cannot be executed. */
export async function spawnHeld(tracer: Tracer, command: Command): Promise<number> {
  const [name = ""] = command.argv;
  const environment = command.environment ?? process.env;
  try {
    return await tracer.spawn(
      candidates(name, environment["PATH"] ?? DEFAULT_PATH),
      command.argv,
      Object.entries(environment).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key}=${value}`],
      ),
      command.directory ?? "",
    );
  } catch (cause) {
    const errno = isSystemFailure(cause) ? cause.errno : 0;
    throw new TargetError(
      `cannot start "${name}": ${reason(errno, cause)}`,
      { operation: "start", subject: name, errno },
      { cause },
    );
  }
}

function candidates(name: string, path: string): string[] {
  if (name.includes("/")) return [name];
  return path.split(":").map((directory) => `${directory === "" ? "." : directory}/${name}`);
}

function reason(errno: number, cause: unknown): string {
  if (errno === 1) return "not permitted to trace a child (seccomp or a security module?)";
  if (errno === 2) return "no such program";
  if (errno === 3) return "it ended before it began";
  if (errno === 13) return "permission denied";
  return cause instanceof Error ? cause.message : String(cause);
}
