/**
 * Fuzzes lexer, preprocessor and parser: `make fuzz`. WASTAP_SEED repeats a run.
 *
 *   node dist/test/fuzz/main.js [--inputs N] [--seconds N]
 *
 * An input that fails, or that takes longer than two seconds, is printed as JSON.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PACKAGE_ROOT } from "../../base/root.js";
import { loadLibrary } from "../../compiler/tapset/library.js";
import { createRandom } from "../support/random.js";
import { checkInput } from "./check.js";
import { type FuzzInput, nextInput } from "./inputs.js";

/** Milliseconds for one input; the longest is some hundred bytes. */
const TOO_SLOW = 2000;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "0" },
  },
});

// Most inputs are wrong, and what the parser throws then has no use for a stack.
Error.stackTraceLimit = 0;
const random = createRandom();
const options = { compatible: "5.6", args: [], defines: new Map(), warn: () => {} };
const { macros } = loadLibrary([join(PACKAGE_ROOT, "tapsets")], options);
const started = performance.now();
const deadline = values.seconds === "0" ? Number.POSITIVE_INFINITY : Number(values.seconds) * 1000;
let count = 0;
let failed = 0;
for (let elapsed = 0; count < Number(values.inputs) && elapsed < deadline; count++) {
  const input = nextInput(random);
  const before = elapsed;
  try {
    checkInput(input, macros);
  } catch {
    report(input, stackOf(input));
  }
  elapsed = performance.now() - started;
  if (elapsed - before > TOO_SLOW) report(input, `took ${(elapsed - before).toFixed(0)} ms`);
}
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  `${count} inputs, ${failed} failed, ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} inputs/s\n`,
);
process.exitCode = failed === 0 ? 0 : 1;

/** Where `input` fails; what it throws again. */
function stackOf(input: FuzzInput): string {
  Error.stackTraceLimit = 50;
  try {
    checkInput(input, macros);
    return "fails only sometimes";
  } catch (failure) {
    return (failure as Error).stack ?? String(failure);
  } finally {
    Error.stackTraceLimit = 0;
  }
}

function report(input: FuzzInput, what: string): void {
  failed++;
  process.stdout.write(`input ${count}: ${what}\n${JSON.stringify(input)}\n`);
}
