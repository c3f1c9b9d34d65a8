/** Handlers of this process wait for the end of the stops of real processes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isSystemFailure, startTracer } from "../../shim/mutator/ptrace.js";
import { countStops } from "../../shim/mutator/stops.js";
import { buildProgram, cannotTrace } from "../support/tools.js";
import { launch } from "./support.js";

const s = suite("mutator/stops");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const STOP_MS = 20_000;

test("what waits is done between stops, in order", async () => {
  const { target: pid, finished } = await launch(buildProgram("waiters"), ["2"]);
  const { tracer, whenNone } = countStops(startTracer(() => undefined));
  const done: string[] = [];
  const add = (name: string): void => whenNone(() => done.push(name));
  await tracer.seize(pid);
  add("running");
  const stopping = tracer.stop(pid, STOP_MS);
  add("stopping");
  await stopping;
  await tracer.stop(pid, STOP_MS);
  add("stopped twice");
  await tracer.resume(pid);
  assert.equal(done, ["running"]);
  await tracer.resume(pid);
  assert.equal(done, ["running", "stopping", "stopped twice"]);

  await tracer.stop(pid, STOP_MS);
  await tracer.hold(pid);
  await tracer.resume(pid);
  add("held");
  assert.is(done.length, 3);
  await tracer.release(pid);
  assert.is(done.at(-1), "held");

  await tracer.stop(pid, STOP_MS);
  add("detaching");
  await tracer.detach(pid);
  assert.is(done.at(-1), "detaching");
  await tracer.close();
  process.kill(pid, "SIGTERM");
  await finished();
});

test("a stop that fails, and one of a process that has ended, are over", async () => {
  const { target: pid, finished } = await launch(buildProgram("waiters"), ["2"]);
  const stops = countStops(
    startTracer(({ kind, pid: ended }) => {
      if (kind === "exit") stops.forget(ended);
    }),
  );
  const { tracer, whenNone } = stops;
  await tracer.seize(pid);
  await tracer.stop(pid, STOP_MS);
  const ended = new Promise<void>((resolve) => whenNone(resolve));
  process.kill(pid, "SIGKILL");
  await ended;
  await finished();
  const failed = await tracer.stop(pid, STOP_MS).catch(isSystemFailure);
  assert.is(failed, true);
  assert.is(await tracer.hold(pid).catch(isSystemFailure), true);
  let isDone = false;
  whenNone(() => {
    isDone = true;
  });
  assert.ok(isDone);
  await tracer.close();
});

s.run();
