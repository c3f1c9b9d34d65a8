/** System calls of a driver on its target, counted by strace(1), which kills it before one of them. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exists } from "../../shim/mutator/process.js";
import { mappingNames } from "../support/process.js";
import { buildProgram, cannotTrace, hasProgram } from "../support/tools.js";
import { compileBundle, countScript, launch, type Target } from "./support.js";

/** Why drivers cannot be traced here; null if they can. */
export function cannotCount(): string | null {
  return hasProgram("/usr/bin/strace") ? cannotTrace() : "no /usr/bin/strace";
}

/** A session that is not killed. */
export const WHOLE = { word: "", delayMs: null, runMs: 200 } as const;

/** Where strace and the drivers have their files. */
export interface Steps {
  /** The target is killed with it; call it when all is done. */
  close(): void;
  /** Command that counts the calls of what follows. */
  readonly counting: readonly string[];
  /** Command that kills what follows before call number `step`, from 1, of those named `call`. */
  killing(call: string, step: number): readonly string[];
  /** What the last counted command has called, a line each. */
  lines(call: string): string[];
  /** A target with its mappings and descriptors as they are to be again, and a bundle for it. */
  launch(): Promise<StepTarget>;
}

/** A target that is to be as before. */
export interface StepTarget extends Target {
  readonly bundle: string;
  readonly before: readonly string[];
  readonly open: readonly string[];
}

/** Prepares for counting. */
export function createSteps(): Steps {
  const directory = mkdtempSync(join(tmpdir(), "wastap-steps-"));
  const calls = join(directory, "calls");
  const counting = ["strace", "-f", "-qq", "-o", calls, "-e", "trace=ptrace,pwrite64"];
  const targets: number[] = [];
  return {
    close: () => {
      for (const pid of targets) if (exists(pid)) process.kill(pid, "SIGKILL");
      rmSync(directory, { recursive: true });
    },
    counting,
    killing: (call, step) => [...counting, "-e", `inject=${call}:signal=SIGKILL:when=${step}`],
    lines: (call) =>
      readFileSync(calls, "utf8").match(new RegExp(`^\\d+ +${call}\\(.*`, "gm")) ?? [],
    launch: async () => {
      const program = buildProgram("hot");
      const bundle = join(directory, "bundle.wasm");
      writeFileSync(bundle, compileBundle(countScript(program)));
      const target = await launch(program, ["2"], { deadlineMs: 3_600_000 });
      const pid = target.target;
      targets.push(pid);
      return { ...target, bundle, before: named(pid), open: descriptors(pid) };
    },
  };
}

/** Steps of ptrace before which the target was just sent to make one of `systemCalls`. */
export function stepsBehind(systemCalls: readonly number[], lines: readonly string[]): number[] {
  return lines.flatMap((line, i) => {
    const [, number = ""] = /PTRACE_SETREGS.* rax=(0x[0-9a-f]+),/.exec(line) ?? [];
    return systemCalls.includes(Number(number)) ? [i + 2] : [];
  });
}

/** Mappings with names: all that is ours has one; what the program maps for itself changes. */
export function named(pid: number): string[] {
  return mappingNames(pid).filter((name) => !name.endsWith(" "));
}

/** What the descriptors of a process lead to. */
export function descriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((name) => readlinkSync(join(folder, name)));
}
