/** What --monitor shows, and what its keys do. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseStatus } from "../../../cli/monitor-data.js";
import { type KeyEffects, keysIn, pressKey } from "../../../cli/monitor-keys.js";
import {
  initialMonitor,
  type MonitorState,
  showMonitor,
  sortProbes,
} from "../../../cli/monitor-view.js";

const s = suite("cli/monitor");

const SIZE = { rows: 20, columns: 60 };
const status = parseStatus(
  'p\t0\t1\t3\t10\t20\t30\tbegin\np\t1\t0\t500\t1\t2\t300\tprocess("a").function("f@a.c:3")\n' +
    'g\tn\t17 \ng\ts\t"a\\tb" \n',
);
const STATE: MonitorState = {
  ...initialMonitor("demo", 1000),
  status,
  uptimeMs: 3_723_000,
  memoryBytes: 2 ** 20,
  output: Array.from({ length: 30 }, (_, i) => `line ${i}`),
};

/** The state after `keys`, and what they made the monitor do. */
function press(keys: string, state: MonitorState = STATE): [MonitorState, string[]] {
  const done: string[] = [];
  const effects: KeyEffects = {
    tell: (command) => void done.push(command),
    quit: () => void done.push("QUIT"),
    interrupt: () => void done.push("INTERRUPT"),
  };
  const after = keysIn(keys).reduce((each, key) => pressKey(key, each, SIZE, effects), state);
  return [after, done];
}

s("status above, output below", () => {
  const lines = showMonitor(STATE, SIZE);
  assert.is(lines.length, 20);
  assert.equal(lines.slice(0, 10), [
    "uptime: 01:02:03 uid: 1000 memory: 1024kB",
    "module_name: demo probes: 2",
    'globals:  n: 17  s: "a\\tb"',
    "",
    "index*  state  hits  min  avg  max  name",
    "     0     on     3   10   20   30  begin",
    '     1    off   500    1    2  300  process("a").function("f',
    "",
    "press h for help",
    "─".repeat(60),
  ]);
  assert.equal(lines.slice(10), STATE.output.slice(20));
});

s("no line is wider than the screen, none has control characters", () => {
  const wild = { ...STATE, output: ["\x1b[31mred\x07\ttab", "x".repeat(500)] };
  for (const line of showMonitor(wild, { rows: 7, columns: 10 })) {
    assert.ok(line.length <= 10, line);
    assert.not.ok(["\x07", "\x1b", "\t"].some((each) => line.includes(each)));
  }
  assert.is(showMonitor(wild, { rows: 1, columns: 1 }).length, 1);
});

s("s sorts by the next column, numbers downwards", () => {
  const [byHits] = press("ss");
  assert.is(byHits.sortBy, "hits");
  assert.equal(
    sortProbes(status.probes, "hits").map(({ index }) => index),
    [1, 0],
  );
  assert.equal(
    sortProbes(status.probes, "name").map(({ index }) => index),
    [0, 1],
  );
  assert.is(press("sssssss")[0].sortBy, "index");
});

s("keys tell the session", () => {
  assert.equal(press("cprq\x03")[1], ["clear", "pause", "resume", "QUIT", "INTERRUPT"]);
  const [asked, nothing] = press("t12");
  assert.equal([asked.typed, nothing], ["12", []]);
  assert.ok(showMonitor(asked, SIZE).includes("enter probe index: 12"));
  assert.equal(press("t12\x7f3\r")[1], ["13"]);
  assert.equal(press("t1q")[1], []);
  assert.is(press("t1q")[0].typed, null);
  assert.equal(press("t\r")[1], []);
});

s("x hides the status, h shows help", () => {
  const [hidden] = press("x");
  assert.equal(showMonitor(hidden, SIZE), STATE.output.slice(10));
  const help = showMonitor(press("h")[0], SIZE);
  assert.is(help[0], "MONITOR MODE COMMANDS");
  assert.equal(showMonitor(press("hh")[0], SIZE), showMonitor(STATE, SIZE));
});

s("arrows, pages and ends scroll the pane that Tab chose, within what there is", () => {
  const top = (state: MonitorState): string | undefined => showMonitor(state, SIZE)[10];
  assert.is(top(press("\x1b[A")[0]), "line 19");
  assert.is(top(press("k\x1b[Aj")[0]), "line 19");
  assert.is(top(press("\x1b[5~")[0]), "line 10");
  assert.is(top(press("\x1b[5~\x1b[5~\x1b[5~")[0]), "line 0");
  assert.is(top(press("\x1b[H\x1b[6~")[0]), "line 10");
  assert.is(top(press("\x1b[H\x1b[F")[0]), "line 20");
  const probes = Array.from({ length: 9 }, (_, index) => ({
    index,
    state: "on" as const,
    hits: 0,
    min: 0,
    avg: 0,
    max: 0,
    name: `p${index}`,
  }));
  const many = { ...STATE, status: { probes, globals: [] } };
  const shown = (state: MonitorState): string[] =>
    showMonitor(state, SIZE).flatMap((line) => /p\d$/.exec(line) ?? []);
  assert.equal(shown(many), ["p0", "p1", "p2"]);
  assert.equal(shown(press("\tj", many)[0]), ["p1", "p2", "p3"]);
  assert.equal(shown(press("\t\x1b[F", many)[0]), ["p6", "p7", "p8"]);
  assert.equal(shown(press("\t\x1b[F\x1b[5~", many)[0]), ["p3", "p4", "p5"]);
});

s("what is not there yet and what is over are said", () => {
  assert.ok(showMonitor({ ...STATE, status: null }, SIZE).includes("(data not available)"));
  assert.ok(showMonitor({ ...STATE, hasExited: true }, SIZE).includes("EXITED: press q to quit"));
});

s.run();
