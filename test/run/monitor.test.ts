/** --monitor on a terminal, and without one. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cannotOpenTerminal, startOnTerminal } from "../support/terminal.js";
import { cannotTrace, WASTAP, wastap } from "../support/tools.js";

const s = suite("run/monitor");
const missing = cannotTrace() ?? cannotOpenTerminal();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const SCRIPT = `global ticks = 100, seen
  probe timer.ms(5) { ticks++ seen[ticks % 2, "k"]++ }
  probe timer.ms(20) { println("tick at ", ticks) }
  probe end { println("over") }`;

traced("keys switch probes off and on, reset and quit", async () => {
  const monitor = startOnTerminal([
    process.execPath,
    WASTAP,
    "--monitor",
    "-m",
    "shown",
    "-e",
    SCRIPT,
  ]);
  await monitor.until(/module_name: shown probes: 3/);
  await monitor.until(/tick at 1\d\d/);
  monitor.type("t0\r");
  await monitor.until(/ 0 +off +\d+ .*timer\.ms\(5\)/);
  monitor.type("p");
  await monitor.until(/ 1 +off +\d+ .*timer\.ms\(20\)/);
  monitor.type("c");
  await monitor.until(/ticks: 100 /);
  monitor.type("r");
  await monitor.until(/ 0 +on +[1-9]\d* .*timer\.ms\(5\)/);
  monitor.type("q");
  const { status, stdout } = await monitor.finished();
  assert.is(status, 0);
  const last = stdout.slice(stdout.lastIndexOf("\x1b[?1049l"));
  assert.match(last, /tick at 1\d\d\r\n(tick at \d+\r\n)*over\r\n/);
});

traced("a session that ends by itself stays to be read", async () => {
  const script = 'probe timer.ms(50) { println("now") exit() } probe end { println("ended") }';
  const monitor = startOnTerminal([process.execPath, WASTAP, "--monitor=2", "-e", script]);
  await monitor.until(/EXITED: press q to quit/);
  monitor.type("q");
  const { status, stdout } = await monitor.finished();
  assert.is(status, 0);
  assert.match(stdout.slice(stdout.lastIndexOf("\x1b[?1049l")), /ended\r\n/);
});

traced("without a terminal everything is as without a monitor", () => {
  const script = "global n probe timer.ms(1) { if (++n == 3) exit() } probe end { println(n) }";
  const { status, stdout, stderr } = wastap(["--monitor", "-e", script]);
  assert.equal([status, stdout, stderr], [0, "3\n", ""]);
});

s.run();
