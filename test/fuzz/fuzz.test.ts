/** A short run of the fuzzer; `make fuzz` runs a million inputs. */
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { loadLibrary } from "../../compiler/tapset/library.js";
import { createRandom } from "../support/random.js";
import { checkInput } from "./check.js";
import { nextInput } from "./inputs.js";

const s = suite("fuzz/parse");

const INPUTS = 200_000;

s(`${INPUTS} inputs give a tree or a diagnostic`, () => {
  const random = createRandom();
  const options = { compatible: "5.6", args: [], defines: new Map(), warn: () => {} };
  const { macros } = loadLibrary([join(PACKAGE_ROOT, "tapsets")], options);
  for (let count = 0; count < INPUTS; count++) {
    const input = nextInput(random);
    try {
      checkInput(input, macros);
    } catch (failure) {
      assert.unreachable(`${JSON.stringify(input)}\n${(failure as Error).stack}`);
    }
  }
});

s.run();
