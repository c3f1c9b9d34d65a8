/** Control files: real readers and writers, rights, leftovers; standard input. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cannotTrace, type Running, start, startWastap, wastap } from "../support/tools.js";

const s = suite("run/procfs");
const missing = cannotTrace();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const parent = mkdtempSync(join(tmpdir(), "wastap-procfs-"));
s.after(() => rmSync(parent, { recursive: true }));

/** A session and the directory of its control files. */
interface Serving extends Running {
  readonly directory: string;
}

/** Starts `script`, whose files are there and served when this resolves. */
async function serve(script: string, ...args: readonly string[]): Promise<Serving> {
  const all = ["-v", "--tmpdir", parent, ...args, "-e", script];
  const session = startWastap(all);
  const said = await session.until(/Control files are in (.+)\n/, "errors");
  await session.until(/probes armed/, "errors");
  return { ...session, directory: said.replace(/^.* in /, "").trim() };
}

async function stop(session: Running): Promise<string> {
  process.kill(session.pid, "SIGINT");
  const { status, stdout, stderr } = await session.finished();
  assert.is(status, 0, stderr);
  return stdout;
}

const cat = (path: string): string => execFileSync("cat", [path], { encoding: "latin1" });

traced("each reader is answered anew", async () => {
  const script =
    'global n probe procfs.read { $value = sprintf("%d", ++n) $value .= " times\\n" }' +
    ' probe end { println("n=", n) }';
  const session = await serve(script, "-m", "answers");
  assert.is(session.directory.endsWith("/answers"), true);
  const path = join(session.directory, "command");
  assert.equal(
    [1, 2, 3].map(() => cat(path)),
    ["1 times\n", "2 times\n", "3 times\n"],
  );
  assert.is(await stop(session), "n=3\n");
  assert.is(existsSync(session.directory), false);
});

traced("readers at the same time all get a whole answer", async () => {
  const text = "x".repeat(500);
  const script = `global n probe procfs("big").read.maxsize(40000) { n++ for (i = 0; i < 70; i++) $value .= "${text}" $value .= sprintf("%d\\n", n) }`;
  const session = await serve(script);
  const readers = Array.from({ length: 20 }, () => start("cat", [join(session.directory, "big")]));
  for (const reader of readers) {
    const { status, stdout } = await reader.finished();
    assert.is(status, 0);
    assert.match(stdout, /^x{35000}\d+\n$/);
  }
  await stop(session);
});

traced("a reader that closes early harms nobody", async () => {
  const session = await serve(
    'probe procfs("a").read { $value = "first\\nsecond\\n" } probe end { println("over") }',
  );
  const path = join(session.directory, "a");
  closeSync(openSync(path, constants.O_RDONLY));
  assert.is(execFileSync("head", ["-n1", path], { encoding: "utf8" }), "first\n");
  const kept = openSync(path, constants.O_RDONLY);
  assert.is(cat(path), "first\nsecond\n");
  assert.is(readFileSync(kept, "utf8"), "first\nsecond\n");
  closeSync(kept);
  assert.is(await stop(session), "over\n");
});

traced("each line that is written is a hit, from any number of writers", async () => {
  const script =
    'probe procfs("a/b").write { printf("[%s]\\n", $value) if ($value == "ten\\n") exit() }';
  const session = await serve(script);
  const path = join(session.directory, "a", "b");
  execFileSync("sh", ["-c", `printf 'one\\ntwo\\n' >${path}; echo three >${path}`]);
  const writer = openSync(path, constants.O_WRONLY);
  writeSync(writer, "four\n");
  const loop = `for i in 0 1 2 3 4 5 6 7 8 9; do echo line-$i; done >${path}`;
  const writers = [1, 2, 3].map(() => start("sh", ["-c", loop]));
  for (const each of writers) assert.is((await each.finished()).status, 0);
  writeSync(writer, "x".repeat(600));
  const rest = ["five", "six", "seven", "eight", "nine", "ten"].map((each) => `${each}\n`);
  writeSync(writer, rest.join(""));
  closeSync(writer);
  const { stdout, status } = await session.finished();
  assert.is(status, 0);
  assert.match(stdout, /^\[one\n\]\n\[two\n\]\n\[three\n\]\n\[four\n\]\n/);
  for (let i = 0; i < 10; i++) assert.is(stdout.split(`[line-${i}\n]`).length, 4);
  assert.match(stdout, /\[x{511}\]\n\[x{89}(five\n)?\]/);
});

traced("a file can be both read and written", async () => {
  const script =
    'global level = 3 probe procfs("level").read { $value = sprintf("%d\\n", level) }' +
    ' probe procfs("level").write { level = strtol($value, 10) println("set ", level) }';
  const session = await serve(script);
  const path = join(session.directory, "level");
  assert.is(cat(path), "3\n");
  writeFileSync(path, "17\n");
  await session.until(/set 17/);
  assert.is(cat(path), "17\n");
  const held = openSync(path, constants.O_WRONLY);
  writeSync(held, "4\n");
  await session.until(/set 4\n/);
  execFileSync("sh", ["-c", `echo 5 >>${path}; echo 6 >${path}`]);
  await session.until(/set 6\n/);
  writeSync(held, "7\n8\n");
  await session.until(/set 8\n/);
  closeSync(held);
  assert.is(cat(path), "8\n");
  assert.is(await stop(session), "set 17\nset 4\nset 5\nset 6\nset 7\nset 8\n");
});

traced("permissions are those of SystemTap", async () => {
  const session = await serve(
    'probe procfs("r").read { $value = "" } probe procfs("w").write { println($value) }' +
      ' probe procfs("rw").read { $value = "" } probe procfs("rw").write { println($value) }' +
      ' probe procfs("u").umask(0040).read { $value = "" } probe procfs("v").umask(0).write { println($value) }',
  );
  const modes = ["r", "w", "rw", "u", "v"].map((name) =>
    (statSync(join(session.directory, name)).mode & 0o777).toString(8),
  );
  assert.equal(modes, ["400", "200", "600", "404", "222"]);
  await stop(session);
});

traced("what does not fit is an error that says what would", () => {
  const script =
    'probe procfs("a").read.maxsize(5) { $value = "1234" try { $value .= "5" } catch (e) { println(e) } }' +
    ' probe begin { system(sprintf("cat %s/wastap-*/%s/a", @1, module_name())) }';
  const result = wastap(["--tmpdir", parent, "-T", "1", "-e", script, parent]);
  assert.match(result.stdout, /buffer size exceeded, consider \.maxsize\(6\)\./);
  assert.match(result.stdout, /1234/);
});

traced("a name can be used once at a time, and what a killed session left is removed", async () => {
  const script = 'probe procfs.read { $value = "alive\\n" }';
  const first = await serve(script, "-m", "same");
  const second = wastap(["--tmpdir", parent, "-m", "same", "-e", script]);
  assert.is(second.status, 1);
  assert.match(second.stderr, /ERROR: a session called "same" runs already/);
  assert.is(cat(join(first.directory, "command")), "alive\n");
  process.kill(first.pid, "SIGKILL");
  await first.finished();
  assert.is(cat(join(first.directory, "command")), "");
  const other = await serve(script, "-m", "other");
  assert.is(existsSync(first.directory), false);
  await stop(other);
  assert.equal(readdirSync(join(other.directory, "..")), []);
});

traced("metrics for Prometheus and as JSON", async () => {
  const script = `global hits
    probe begin { hits["a\\"b", 1] = 5 hits["c", 2] = 7
      json_set_prefix("demo") json_add_numeric_metric("total", "all hits", "count") }
    probe prometheus { @prometheus_dump_array2(hits, "hits", "name", "cpu") }
    probe json_data {
      @json_output_data_start
      @json_output_numeric_value("total", 12)
      @json_output_data_end
    }`;
  const session = await serve(script);
  const metrics = cat(join(session.directory, "__prometheus"));
  assert.equal(metrics.trimEnd().split("\n").sort(), [
    'hits{name="a\\"b",cpu="1"} 5',
    'hits{name="c",cpu="2"} 7',
  ]);
  const read = (name: string): unknown => JSON.parse(cat(join(session.directory, name)));
  assert.equal(read("data.json"), { total: 12 });
  assert.equal(read("data.json"), { total: 12 });
  const { prefix, metrics: described } = read("metadata.json") as {
    prefix: string;
    metrics: { name: string; units: string }[];
  };
  assert.equal(
    [prefix, described.map(({ name, units }) => [name, units])],
    ["demo", [["total", "count"]]],
  );
  await stop(session);
});

traced("input.char and input.line are standard input", () => {
  const chars = wastap(
    ["-e", 'probe input.char { printf("<%s>", char) if (char == "q") exit() }'],
    {
      input: "ab\nqrs",
    },
  );
  assert.equal([chars.status, chars.stdout], [0, "<a><b><\n><q>"], chars.stderr);
  const lines = wastap(
    ["-e", 'probe input.line { printf("<%s>", line) if (line == "quit\\n") exit() }'],
    { input: "one\n\ntwo\nquit\nmore\n" },
  );
  assert.equal([lines.status, lines.stdout], [0, "<one\n><\n><two\n><quit\n>"]);
  assert.is(lines.stderr, "");
});

s.run();
