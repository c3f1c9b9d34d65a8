/**
 * Runs uvu test files, each in a process of its own with a deadline, and adds up their counts.
 *
 * uvu alone exits 0 when nothing matched or a suite forgot `.run()`, and has no timeout; so this
 * runner fails a file that reports no test, and the run if fewer tests passed than the floor. What
 * a file leaves behind goes with it: the processes of its group, and the directory for temporary
 * files of the whole run.
 *
 *   node dist/scripts/run-tests.js [--floor N] [--timeout SECONDS] [--jobs N] [substring …]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PACKAGE_ROOT } from "../base/root.js";

interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly output: string;
  readonly seconds: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    floor: { type: "string", default: "1" },
    timeout: { type: "string", default: "300" },
    jobs: { type: "string", default: "2" },
  },
});

function testFiles(): string[] {
  const root = join(PACKAGE_ROOT, "dist", "test");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.js"))
    .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
    .map((name) => join(root, name))
    .sort();
}

/** Number after `label` in uvu's summary; NaN if the summary is missing. */
function count(output: string, label: string): number {
  const found = [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, "gm"))];
  return found.length === 0 ? Number.NaN : found.reduce((sum, match) => sum + Number(match[1]), 0);
}

function summarize(
  file: string,
  status: number | null,
  output: string,
  seconds: number,
): FileResult {
  const total = count(output, "Total");
  const passed = count(output, "Passed");
  const skipped = count(output, "Skipped");
  if (!(total + skipped > 0))
    return { file, passed: 0, failed: 1, skipped: 0, output: `${output}\nno test ran`, seconds };
  const failed = Math.max(total - passed - skipped, status === 0 ? 0 : 1);
  return { file, passed, failed, skipped, output, seconds };
}

/** The last line of uvu's results. */
const RESULTS = /^ {2}Duration: /m;
/** In this time a file ends after its results, if nothing that it started keeps it. */
const GRACE_MS = 20_000;

function runFile(file: string): Promise<FileResult> {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--enable-source-maps", file], {
      cwd: PACKAGE_ROOT,
      detached: true,
      env: { ...process.env, TMPDIR: temporary, FORCE_COLOR: "0", NO_COLOR: "1" },
    });
    let output = "";
    const end = (reason: string): void => {
      output += `\n${reason}`;
      killGroup(child);
    };
    let grace: NodeJS.Timeout | undefined;
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (RESULTS.test(output)) {
        grace ??= setTimeout(() => end("did not end after its results"), GRACE_MS);
      }
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const timer = setTimeout(
      () => end(`timed out after ${values.timeout} s`),
      Number(values.timeout) * 1000,
    );
    child.on("exit", () => killGroup(child));
    child.on("close", (status) => {
      clearTimeout(timer);
      clearTimeout(grace);
      resolve(summarize(file, status, output, (Date.now() - started) / 1000));
    });
  });
}

/** Ends the test file's process and what it started and did not end. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left of it.
  }
}

function report(result: FileResult): void {
  const name = result.file.slice(join(PACKAGE_ROOT, "dist", "test").length + 1);
  const skips = result.skipped > 0 ? `, ${result.skipped} skipped` : "";
  process.stdout.write(
    `${result.failed > 0 ? "FAIL" : "ok  "} ${name}: ${result.passed} passed, ${result.failed} failed${skips} (${result.seconds.toFixed(1)} s)\n`,
  );
  const shown =
    result.failed > 0
      ? result.output
      : result.output
          .split("\n")
          .filter((line) => line.startsWith("skipped"))
          .join("\n");
  if (shown.trim() !== "") process.stdout.write(`${shown.trim().replaceAll(/^/gm, "    ")}\n`);
}

// Other users' processes make files there too, as they do in /tmp.
const temporary = mkdtempSync(join(tmpdir(), "wastap-test-"));
chmodSync(temporary, 0o1777);
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));

const queue = testFiles();
const results: FileResult[] = [];
async function worker(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const result = await runFile(file);
    report(result);
    results.push(result);
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, worker));

const sum = (field: "passed" | "failed" | "skipped"): number =>
  results.reduce((total, result) => total + result[field], 0);
let failed = sum("failed");
if (sum("passed") < Number(values.floor)) {
  process.stdout.write(`only ${sum("passed")} tests passed; at least ${values.floor} should\n`);
  failed++;
}
process.stdout.write(`${sum("passed")} passed, ${failed} failed, ${sum("skipped")} skipped\n`);
process.exitCode = failed > 0 ? 1 : 0;
