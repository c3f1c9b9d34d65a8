/**
 * Writes V8's code cache of dist/bundle/program.js (cli/program.ts) for the Node that runs this:
 * what the program has compiled of itself after an ordinary run. Where tracing is not permitted it
 * holds the compiler only; that the run failed is said.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadProgram } from "../cli/program.js";

const TRACEE = `
struct point { int x; long y; const char *name; };
long total;
__attribute__((noipa)) long work(struct point *point, int n) { total += point->y * n; return point->x + n; }
int main(void) {
  struct point point = {1, 2, "name"};
  for (int i = 0; i < 3; i++) work(&point, i);
  return 0;
}`;

/** A script with what ordinary scripts have. */
const SCRIPT = `
global n, calls, times, start, results
function label:string(value:long) { return sprintf("%d %s", value, execname()) }
probe begin { println("begin") }
probe process("TRACEE").function("work") {
  n++
  calls[tid(), pp()]++
  start[tid()] = gettimeofday_us()
  printf("%s %d %s %s\\n", label($n), $point->x, user_string($point->name), $$parms)
}
probe process("TRACEE").function("work").return {
  times <<< gettimeofday_us() - start[tid()]
  if ($return > 0 && !("x" in results)) results["x"] = $return
}
probe process("TRACEE").statement("work@*:*") { n += @var("total") }
probe timer.ms(100) { foreach ([t, p] in calls- limit 5) printf("%d %s %d\\n", t, p, calls[t, p]) }
probe end, error {
  printf("%d %d %d\\n", n, @count(times), @avg(times))
  print(@hist_log(times))
  delete calls
}`;

function warm(directory: string): void {
  const source = join(directory, "tracee.c");
  const tracee = join(directory, "tracee");
  writeFileSync(source, TRACEE);
  execFileSync("gcc", ["-g", "-O2", "-o", tracee, source]);
  const script = join(directory, "script.stp");
  writeFileSync(script, SCRIPT.replaceAll("TRACEE", tracee));
  const self = fileURLToPath(import.meta.url);
  const env = { ...process.env, WASTAP_DIR: directory, SYSTEMTAP_DIR: directory };
  const done = spawnSync(process.execPath, [self, script, "-c", tracee], { env, encoding: "utf8" });
  if (done.status !== 0) process.stderr.write(`the code cache holds less: ${done.stderr}`);
}

if (process.argv.length > 2) {
  const program = loadProgram();
  process.exitCode = await program.main(process.argv.slice(2));
  writeFileSync(program.codeCachePath, program.compiled());
} else {
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  try {
    warm(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
