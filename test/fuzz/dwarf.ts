/**
 * Fuzzes the DWARF reader with damaged files: `make fuzz-dwarf`. WASTAP_SEED repeats a run.
 *
 *   node dist/test/fuzz/dwarf.js [--inputs N] [--seconds N]
 *
 * Files are read by processes of their own; one that dies, throws something else than a TargetError
 * or takes too long is a failure. Seed and number of an input make it again.
 */
import { parseArgs } from "node:util";
import { randomSeed } from "../support/random.js";
import { fuzzDwarf } from "./dwarf-run.js";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "20000" },
    seconds: { type: "string", default: "0" },
  },
});
const seconds = Number(values.seconds) || Number.POSITIVE_INFINITY;
const failures = fuzzDwarf({ seed: randomSeed(), inputs: Number(values.inputs), seconds });
for (const failure of failures) process.stdout.write(`${failure}\n`);
process.stdout.write(`${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
