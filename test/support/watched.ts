/** Programs whose wastap ends while it watches them. */
import * as assert from "uvu/assert";
import { buildProgram, start, startWastap } from "./tools.js";

/**
 * Attaches `script` to a program that accesses its data in `rounds`, ends wastap by `signal` once it
 * has printed "seen", and checks that the program goes on unharmed.
 */
export async function endWhileWatching(
  script: string,
  rounds: number,
  signal: "SIGKILL" | "SIGINT",
): Promise<void> {
  const target = start(buildProgram("watched"), ["wait", `${rounds}`]);
  await target.until(/waiting/);
  const tracer = startWastap(["-v", "-x", `${target.pid}`, "-e", script]);
  await tracer.until(/probes armed/, "errors");
  target.child.stdin?.end("g");
  await tracer.until(/seen\n/);
  tracer.child.kill(signal);
  await tracer.finished();
  const { status, stdout, stderr } = await target.finished();
  assert.is(stdout, "waiting\nright\n", stderr);
  assert.is(status, 0);
}
