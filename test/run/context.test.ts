/** What handlers learn of the process they run in: what it was started with. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, WASTAP, wastap } from "../support/tools.js";

const s = suite("run/context");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** What `script` prints while `command` runs. */
function outputOf(script: string, command: string, env: Readonly<Record<string, string>>): string {
  const output = join(mkdtempSync(join(tmpdir(), "wastap-context-")), "output");
  const result = wastap(["-w", "-o", output, "-e", script, "-c", command], { env });
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return readFileSync(output, "utf8");
}

test("arguments and environment of a traced process", () => {
  const program = buildProgram("lengths");
  const long = "x".repeat(2000);
  const script = `probe process("${program}").function("main") {
    printf("%s|%s|%s\\n", cmdline_arg(1), cmdline_args(1, 4, ","), cmdline_arg(9))
    printf("%d %s\\n", strlen(cmdline_arg(2)), cmdline_str() == "${program} 1 ${long}" ? "equal" : "cut")
    printf("%s|%s|%s\\n", env_var("WASTAP_SHORT"), env_var("WASTAP"), env_var(""))
    printf("%d\\n", strlen(env_var("WASTAP_LONG")))
  }`;
  const env = { WASTAP_SHORT: "a=b c", WASTAP_LONG: long, WASTAP_Z: "last" };
  assert.is(
    outputOf(script, `${program} 1 ${long} "" end`, env),
    `1|${`1,${long},"",end`.slice(0, 511)}|\n511 equal\na=b c||\n511\n`,
  );
});

test("texts of points have the marks of points that need not be there", () => {
  const script = `probe begin? { println(pp(), " ", pn()) }
    probe begin(1)! { println(pp(), " ", pn()) }
    probe named = begin(2)? {} probe named { println(pp(), " ", pn()) exit() }`;
  const { stdout } = wastap(["-e", script]);
  assert.is(stdout, "begin? begin?\nbegin(1)! begin(1)!\nbegin(2)? named\n");
});

test("arguments and environment of the session itself", () => {
  const script = `probe begin { println(env_var("WASTAP_SHORT"), " ", cmdline_arg(1)) exit() }`;
  const result = wastap(["-e", script], { env: { WASTAP_SHORT: "here" } });
  assert.is(result.stdout, `here ${WASTAP}\n`);
});

test("other memory of the session itself is not to be read", () => {
  const result = wastap([
    "-e",
    'probe begin { println(user_long(0x400000), user_string(8, "no")) exit() }',
  ]);
  assert.is(result.stdout, "0no\n");
});

test("what the kernel tells of processes", () => {
  const program = buildProgram("lengths");
  const asked = `printf("%s %d %d\\n", pexecname(), proc_mem_size() > proc_mem_rss(),
      proc_mem_rss() > proc_mem_txt(pid()) && proc_mem_txt() > 0)
    printf("%d %d %d\\n", task_utime() < 1000000000 && task_stime(tid()) >= 0,
      get_loadavg_index(0) >= 0 && strlen(sprint_loadavg()) > 12, proc_mem_data(999999999))
    println(isinstr(proc_mem_string(), "size: "), isinstr(task_time_string(), "usr: 0m0."))`;
  const script = `probe process("${program}").function("main") { ${asked} }`;
  assert.is(outputOf(script, `${program} 1`, {}), "node 1 1\n1 1 0\n11\n");
});

test("writing to the memory of a traced process", () => {
  const program = buildProgram("lengths");
  const script = `probe process("${program}").function("main") {
    at = user_ulong(pointer_arg(2) + 8)
    set_user_string(at, "abcdef") set_user_string_n(at, 2, "xyz") print(user_string(at))
    set_user_char(at, 0x31) set_user_short(at + 2, 0x3332) set_user_int(at + 4, 0x37363534)
    println(" ", user_string_n(at, 1), " ", user_uint16(at + 2) == 0x3332, user_uint32(at + 4) == 0x37363534)
    set_user_long(at, -2) println(user_long(at), " ", user_uint8(at + 8))
    try { set_user_int(8, 1) } catch (message) { println(message) }
    try { set_user_string(8, "x") } catch (message) { println(message) }
    set_user_string_arg(at, "1") println(user_string(at))
  }`;
  const output = join(mkdtempSync(join(tmpdir(), "wastap-context-")), "output");
  const command = `${program} 1234567890`;
  const result = wastap(["-g", "-o", output, "-e", script, "-c", command]);
  assert.is(result.stdout, "done\n");
  const expected = [
    "xy 1 11",
    "-2 57",
    "user int copy fault at 0x8 [man error::fault]",
    "user string copy fault at 0x8 [man error::fault]",
    "1",
    "",
  ];
  assert.equal(readFileSync(output, "utf8").split("\n"), expected);
});

test("a signal for the probed thread, when the handler has ended", () => {
  const program = buildProgram("raised");
  const run = (body: string): ReturnType<typeof wastap> =>
    wastap(["-g", "-e", `probe process("${program}").function("add") { ${body} }`, "-c", program]);
  const caught = run("if (int_arg(1) > 0) { raise(10) print(int_arg(1)) }");
  assert.is(caught.stderr, "");
  assert.is(caught.stdout.replace(/\d+ \d\n/g, ""), "12");
  assert.equal(caught.stdout.match(/\d+ \d\n/g), ["1010 0\n", "1011 1\n", "1012 2\n"]);
  const killed = run("raise(15) print(1)");
  assert.match(killed.stderr, "exited with signal 15");
  assert.is(killed.stdout, "1");
  assert.match(
    run("try { raise(65) } catch (m) { println(m) exit() }").stdout,
    /could get this signal/,
  );
  const unprobed = wastap(["-g", "-e", "probe begin { raise(15) }"]);
  assert.match(unprobed.stderr, "ERROR: no thread is probed here that could get this signal near");
});

test("arguments of probed functions are changed", () => {
  const program = buildProgram("raised");
  const script = `probe process("${program}").function("add") {
    set_int_arg(1, -1) set_long_arg(2, 20) set_uint_arg(6, 1 << 32 | 7) set_ulong_arg(7, 100000)
    try { set_long_arg(0, 1) } catch (m) { println(m) exit() }
  }`;
  const result = wastap(["-g", "-e", script, "-c", program]);
  assert.match(result.stdout, "100026 0\n");
  assert.match(result.stdout, "invalid argument number 0\n");
  const refused = wastap(["-e", script, "-c", program]);
  assert.match(refused.stderr, "function may not be used unless -g is specified");
});

test("tasks by their ids", () => {
  const program = buildProgram("lengths");
  const script = `probe process("${program}").function("main") { t = task_current()
    println(task_execname(t) == execname(), task_pid(t) == pid(), task_tid(t) == tid(), task_parent(t) == ppid())
    println(task_uid(t) == uid(), task_euid(t) == euid(), task_gid(t) == gid(), task_egid(t) == egid())
    println(task_state(t), " ", task_prio(t) - task_nice(t), " ", task_cpu(t) >= 0, task_max_file_handles(t) > 0)
    println(task_rlimit(t, "RLIMIT_NOFILE"), " ", task_rlimit_core(t), " ", task_rlimit(t, "RLIMIT_X"))
    println(pid2task(pid()) == pid(), pid2task(1 << 30), pid2execname(pid()) == execname(), "|", pid2execname(1 << 30))
    println(substr(pstrace(t), 0, strlen(execname()) + 2) == " " . execname() . "(")
    println(isinstr(task_ancestry(t, 0), "=>" . execname()), task_start_time(t) > 0, task_start_time(1 << 30))
    try { task_pid(0) } catch (m) { println(m) } }`;
  const limits = "ulimit -n 777; ulimit -c unlimited;";
  const text = outputOf(script, `sh -c '${limits} exec ${program} 1'`, {});
  assert.is(text, "1111\n1111\n0 20 11\n777 -1 -1\n101|\n1\n110\nno task 0\n");
});

test("probes of events are about the process or thread that the event happened to", () => {
  const program = buildProgram("lengths");
  const script = `probe process("${program}").begin {
    printf("%d %d %d\\n", pid() == target(), tid() == target(), ppid() == stp_pid())
    printf("%s %d\\n", execname(), euid())
  }
  probe process("${program}").end { printf("%d %s\\n", pid() == target(), execname()) }
  probe end { printf("%d\\n", pid() == stp_pid()) }`;
  const name = program.slice(program.lastIndexOf("/") + 1).slice(0, 15);
  const uid = process.geteuid?.();
  assert.is(outputOf(script, `${program} 1`, {}), `1 1 1\n${name} ${uid}\n1 ${name}\n1\n`);
});

test("the zone of the environment, by the abbreviation that it gives itself", () => {
  const script = `probe begin { println(tz_name(), " ", tz_gmtoff(), " ", tz_ctime(0)) exit() }`;
  assert.is(
    outputOf(script, "true", { TZ: "XYZ-5:30" }),
    "XYZ -19800 Thu Jan  1 05:30:00 1970 XYZ\n",
  );
});

s.run();
