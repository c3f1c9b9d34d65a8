/** A short run of the DWARF fuzzer; `make fuzz-dwarf` runs a longer one. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { missingTool } from "../support/dwarf-programs.js";
import { randomSeed } from "../support/random.js";
import { fuzzDwarf } from "./dwarf-run.js";

const s = suite("fuzz/dwarf");
const missing = missingTool(["g++"]);
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const test = missing === null ? s : s.skip;

const INPUTS = 200;

test(`${INPUTS} damaged files end no process`, () => {
  assert.equal(fuzzDwarf({ seed: randomSeed(), inputs: INPUTS, seconds: Infinity }), []);
});

s.run();
