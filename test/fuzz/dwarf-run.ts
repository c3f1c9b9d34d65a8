/** Runs batches of damaged files through workers and collects what they die of. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";
import { compileInto, missingTool, runTool } from "../support/dwarf-programs.js";

const BATCH = 250;
/** Milliseconds for a batch; one takes about two seconds. */
const TOO_SLOW = 60_000;

/** Forms of debugging information: compiler, flags. */
const FORMS: readonly (readonly string[])[] = [
  ["g++", "-O2", "-gdwarf-5"],
  ["g++", "-O2", "-gdwarf-4", "-fdebug-types-section"],
  ["g++", "-O2", "-gdwarf-5", "-gz"],
  ["g++", "-O2", "-gdwarf-5", "-gsplit-dwarf"],
  ["clang++", "-O2", "-gdwarf-5"],
  ["clang++", "-O1", "-gdwarf-4"],
];

/** What to run. */
export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
}

/** Runs the fuzzer; a line for each input that failed. */
export function fuzzDwarf({ seed, inputs, seconds }: FuzzOptions): string[] {
  const directory = mkdtempSync(join(tmpdir(), "wastap-fuzz-"));
  const originals = buildOriginals(directory);
  const worker = join(PACKAGE_ROOT, "dist", "test", "fuzz", "dwarf-worker.js");
  const deadline = performance.now() + seconds * 1000;
  const failures: string[] = [];
  let first = 0;
  while (first < inputs && performance.now() < deadline) {
    const count = Math.min(BATCH, inputs - first);
    const args = [worker, `${seed}`, `${first}`, `${count}`, directory, ...originals];
    const done = spawnSync(process.execPath, args, {
      encoding: "utf8",
      timeout: TOO_SLOW,
      killSignal: "SIGKILL",
      env: { ...process.env, WASTAP_DIR: join(directory, "wastap"), DEBUGINFOD_URLS: "" },
    });
    const last = Number(done.stdout.trim().split("\n").at(-1));
    if (done.status === 0) first += count;
    else {
      failures.push(`seed ${seed} input ${last}: ${done.signal ?? done.stderr.trim()}`);
      first = last + 1;
    }
  }
  rmSync(directory, { recursive: true });
  return failures;
}

function buildOriginals(directory: string): string[] {
  const usable = FORMS.filter(([compiler = ""]) => missingTool([compiler]) === null);
  const built = usable.map(([compiler = "", ...flags], i) =>
    compileInto(directory, `form${i}`, { source: "shapes.cc", compiler, flags }),
  );
  const [first] = built;
  if (first === undefined || missingTool(["dwz"]) !== null) return built;
  const pair = [join(directory, "pair1"), join(directory, "pair2")];
  for (const path of pair) copyFileSync(first, path);
  runTool("dwz", ["-m", "common", "pair1", "pair2"], directory);
  return [...built, ...pair.slice(0, 1), join(directory, "common")];
}
