/** The tracing thread on real processes: stops, remote system calls, signals, storms, ends. */
import { setTimeout as delay } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findSlack, readMappings, statusText, threadIds } from "../../shim/mutator/process.js";
import {
  isSystemFailure,
  REMOTE_STUB_BYTES,
  startTracer,
  type TraceEvent,
  type Tracer,
} from "../../shim/mutator/ptrace.js";
import { SYSCALL } from "../../shim/mutator/remote.js";
import { buildProgram, cannotTrace } from "../support/tools.js";
import { launch } from "./support.js";

const s = suite("mutator/tracer");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const STOP_MS = 20_000;
const ESRCH = 3;

function slackOf(pid: number): number {
  return findSlack(pid, readMappings(pid), REMOTE_STUB_BYTES);
}

/** getpid(2), made by thread `tid` of a stopped process. */
function getpid(tracer: Tracer, pid: number, slack: number, tid: number): Promise<number> {
  return tracer.call(pid, slack, SYSCALL.getpid, [], new Uint8Array(), tid);
}

async function letGo(tracer: Tracer, pid: number): Promise<void> {
  await tracer.stop(pid, STOP_MS);
  await tracer.detach(pid);
  await tracer.close();
}

/** Waits until all threads are in a group stop: after a detach they get there by themselves. */
async function untilStopped(pid: number): Promise<void> {
  const deadline = Date.now() + STOP_MS;
  for (;;) {
    const states = threadIds(pid).map((tid) => statusText(pid, "State", tid) ?? "");
    if (states.every((state) => state.startsWith("T"))) return;
    assert.ok(Date.now() < deadline, `states: ${states}`);
    await delay(1);
  }
}

test("every kind of wait and computing threads survive remote calls in each thread", async () => {
  const { target: pid, finished } = await launch(buildProgram("waiters"), ["2"]);
  const tracer = startTracer(() => undefined);
  assert.is((await tracer.seize(pid)).length, 10);
  const slack = slackOf(pid);
  for (let round = 0; round < 20; round++) {
    const tids = await tracer.stop(pid, STOP_MS);
    assert.is(tids.length, 10);
    for (const tid of tids) assert.is(await getpid(tracer, pid, slack, tid), pid);
    await tracer.resume(pid);
  }
  await letGo(tracer, pid);
  process.kill(pid, "SIGTERM");
  assert.match((await finished()).stdout, /\nended 9\n$/);
});

test("the slack bytes are as before", async () => {
  const { target: pid, finished } = await launch(buildProgram("waiters"), ["1"]);
  const tracer = startTracer(() => undefined);
  await tracer.seize(pid);
  await tracer.stop(pid, STOP_MS);
  const slack = slackOf(pid);
  const before = await tracer.read(pid, slack, REMOTE_STUB_BYTES);
  await getpid(tracer, pid, slack, 0);
  assert.equal(await tracer.read(pid, slack, REMOTE_STUB_BYTES), before);
  await tracer.resume(pid);
  await letGo(tracer, pid);
  process.kill(pid, "SIGTERM");
  await finished();
});

test("no signal is lost, doubled or changed by stops and remote calls", async () => {
  const { target: pid, finished } = await launch(buildProgram("signals"), ["3000"]);
  let ended = false;
  const tracer = startTracer((event) => {
    if (event.kind === "exit") ended = true;
  });
  await tracer.seize(pid);
  const slack = slackOf(pid);
  while (!ended) {
    try {
      await tracer.stop(pid, STOP_MS);
      for (let call = 0; call < 5; call++) assert.is(await getpid(tracer, pid, slack, pid), pid);
      await tracer.resume(pid);
    } catch (error) {
      if (!isSystemFailure(error) || error.errno !== ESRCH) throw error;
      break;
    }
  }
  assert.match((await finished()).stdout, /\nsignals 3000\n$/);
  await tracer.close();
});

test("a stopped process stays stopped until SIGCONT", async () => {
  const { target: pid, finished } = await launch(buildProgram("hot"), ["3"]);
  const events: TraceEvent[] = [];
  const waiting: (() => void)[] = [];
  const tracer = startTracer((event) => {
    events.push(event);
    for (const check of waiting) check();
  });
  const groupStops = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (events.filter((e) => e.kind === "groupStop").length >= count) resolve();
      };
      waiting.push(check);
      check();
    });
  const threads = (await tracer.seize(pid)).length;
  process.kill(pid, "SIGSTOP");
  await groupStops(threads);
  const slack = slackOf(pid);
  await tracer.stop(pid, STOP_MS);
  assert.is(await getpid(tracer, pid, slack, 0), pid);
  await tracer.resume(pid);
  await tracer.stop(pid, STOP_MS);
  await tracer.detach(pid);
  await untilStopped(pid);
  await tracer.seize(pid);
  await letGo(tracer, pid);
  await untilStopped(pid);
  process.kill(pid, "SIGTERM");
  process.kill(pid, "SIGCONT");
  assert.match((await finished()).stdout, /\nrounds \d+\n$/);
});

test("threads, forks, vforks and executed programs are followed through stops", async () => {
  const { target: pid, finished } = await launch(buildProgram("storm"), ["20"]);
  let ended = false;
  const failures: unknown[] = [];
  const tracer = startTracer((event) => {
    if (event.kind === "exec") tracer.release(event.pid).catch((error) => failures.push(error));
    if (event.kind === "exit" && event.pid === pid) ended = true;
  });
  await tracer.seize(pid);
  while (!ended) {
    try {
      await tracer.stop(pid, STOP_MS);
      await tracer.resume(pid);
    } catch (error) {
      if (!isSystemFailure(error) || error.errno !== ESRCH) throw error;
      break;
    }
  }
  assert.match((await finished()).stdout, /\nstorm 20\n$/);
  assert.equal(failures, []);
  await tracer.close();
});

test("a process that ends at any moment is reported and nothing hangs", async () => {
  for (let round = 0; round < 20; round++) {
    const { target: pid, finished } = await launch(buildProgram("waiters"), ["1"]);
    let exit: (status: number) => void = () => undefined;
    const exited = new Promise<number>((resolve) => {
      exit = resolve;
    });
    const tracer = startTracer((event) => {
      if (event.kind === "exit") exit(event.value);
    });
    await tracer.seize(pid);
    const slack = slackOf(pid);
    const work = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        if (i === round) process.kill(pid, "SIGKILL");
        await tracer.stop(pid, STOP_MS);
        await getpid(tracer, pid, slack, 0);
        await tracer.resume(pid);
      }
    };
    await work().catch((error) => {
      if (!isSystemFailure(error) || error.errno !== ESRCH) throw error;
    });
    assert.is(await exited, 9);
    await finished();
    await tracer.close();
  }
});

test("a started program is held, keeps its status, and failures to start are told", async () => {
  let exit: (status: number) => void = () => undefined;
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const tracer = startTracer((event) => {
    if (event.kind === "exit") exit(event.value);
  });
  const pid = await tracer.spawn(["/nowhere/sh", "/bin/sh"], ["sh", "-c", "exit 3"], [], "");
  assert.match(statusText(pid, "State") ?? "", /^t/);
  await tracer.release(pid);
  assert.is(await exited, 3 << 8);
  await tracer.spawn(["/nowhere/sh"], ["sh"], [], "").then(
    () => assert.unreachable(),
    (error) => assert.is(error.errno, 2),
  );
  await tracer.close();
});

s.run();
