/** Code of a file that is mapped under several names. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseElf } from "../../../base/elf/image.js";
import { moduleFunctions } from "../../../shim/mutator/module-code.js";
import { buildProgram } from "../../support/tools.js";

const s = suite("mutator/module-code");

s("looks at its functions once, and knows each by its own name", () => {
  const program = buildProgram("hot");
  const image = parseElf(readFileSync(program), program);
  const one = moduleFunctions(image, "/one", 0x1000);
  const other = moduleFunctions(image, "/other", 0x2000);
  assert.is(other.code.path, "/other");
  assert.is(other.index.module, other.code);
  assert.is(other.code.loadBias, 0x2000);
  assert.is(one.index.module.path, "/one");
  assert.is(other.index.bodies, one.index.bodies);
});

s.run();
