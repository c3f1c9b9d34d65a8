/**
 * Random programs in V8, as machine code in this process, and on a model of the language that
 * shares no code with either: all three must print the same and end handlers with the same errors.
 * Program n of a run has seed WASTAP_SEED + n. Each runs as it is written (-u) and optimized; where
 * errors occur, the optimized one is not compared with the model: those in code without effect
 * vanish with it (language.md §19).
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readPrebuilt } from "../../base/prebuilt.js";
import { startSession } from "../../shim/mutator/session.js";
import { compileImage } from "../../wasm-runtime/aot/compile.js";
import { validateModule } from "../../wasm-runtime/aot/validate.js";
import { readBundle } from "../../wasm-runtime/bundle-read.js";
import { createRecordReader } from "../../wasm-runtime/records/read.js";
import { orderedProbes, type RunOutput, showRecords } from "../support/handlers.js";
import { cannotTrace } from "../support/tools.js";
import { runInV8 } from "../support/v8-run.js";
import { compileText } from "../unit/lower/support.js";
import { makeProgram, type RandomProgram } from "./random-program.js";

const s = suite("engines/programs");
const missing = cannotTrace();
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const test = missing === null ? s : s.skip;

/** A run takes about a minute. */
const PROGRAMS = 400;
const SEED = Number(process.env["WASTAP_SEED"] ?? 1);
process.stdout.write(`seed: WASTAP_SEED=${SEED}\n`);

/** Runs the begin probes of `bundle` as machine code. */
async function runHere(bundle: Uint8Array): Promise<RunOutput> {
  const { meta } = readBundle(bundle);
  const handlers = meta.probes.map((probe) => probe.handler);
  const code = compileImage([
    { name: "lib", module: validateModule(readPrebuilt("library.wasm")), keep: ["recover"] },
    { name: "bundle", module: validateModule(bundle), keep: ["init", ...handlers] },
  ]);
  const session = await startSession({
    bundle: { meta, code },
    target: { kind: "none" },
    allowBreakpoints: false,
  });
  try {
    const reader = createRecordReader(session.memory, meta);
    for (const probe of orderedProbes(meta, "begin")) assert.is(session.runHandler(probe), 0);
    return showRecords(reader.poll({ final: true }), meta);
  } finally {
    await session.close();
  }
}

/** Checks the errors in `said` as far as the model knows them: it has no places. */
function checkErrors(said: string, { errors }: RandomProgram): void {
  const lines = said.split(/^ERROR: /m).slice(1);
  assert.is(lines.length, errors.length, `${said} but ${errors.join("\n")}`);
  for (const [index, error] of errors.entries()) {
    const line = lines[index]?.trimEnd() ?? "";
    const expected = `${decode(error)} near `;
    assert.is(line.slice(0, expected.length), expected.slice(0, line.length));
  }
}

/** The model's strings have one character per byte. */
function decode(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

/** Compiles and runs `program`, and compares the engines, and them with the model. */
async function check(program: RandomProgram, unoptimized: boolean): Promise<void> {
  const { defines } = program;
  const options = { defines, unoptimized, suppressTimeLimits: true };
  const { bundle } = compileText(program.text, options);
  const inV8 = runInV8(bundle);
  if (unoptimized || !program.hasErrors) {
    assert.is(inV8.printed, decode(program.printed));
    checkErrors(inV8.said, program);
  }
  assert.equal(await runHere(bundle), inV8);
}

for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
  test(`program WASTAP_SEED=${seed}`, async () => {
    const program = makeProgram(seed);
    await check(program, true);
    await check(program, false);
  });
}

s.run();
