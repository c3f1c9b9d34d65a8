/** An ordinary user traces his own programs, also in namespaces of his own. */
import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { install } from "../support/install.js";
import { cannotTrace, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/unprivileged");
const root = process.getuid?.() === 0;
const missing =
  cannotTrace() ??
  (root ? null : "creating a user needs root") ??
  (hasProgram("useradd") && hasProgram("setpriv") && hasProgram("unshare")
    ? null
    : "no useradd, setpriv or unshare");
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const USER = "wastap-test";

function asUser(command: readonly string[]): {
  stdout: string;
  stderr: string;
  status: number | null;
} {
  const drop = ["--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "--"];
  return spawnSync("setpriv", [...drop, ...command], {
    encoding: "utf8",
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", HOME: "/tmp", LC_ALL: "C.UTF-8" },
    timeout: 60_000,
  });
}

s.before(() => {
  if (missing === null) spawnSync("useradd", ["--no-create-home", "--shell", "/bin/sh", USER]);
});
s.after(() => {
  if (missing === null) spawnSync("userdel", [USER]);
});

function countArgs(main: string, program: string): string[] {
  const script = `global n probe process("${program}").function("work") { n++ }
    probe end { printf("%d by %d\\n", n, uid()) }`;
  return [process.execPath, main, "-e", script, "-c", `${program} 3 1000`];
}

test("without root and without any capability", () => {
  const { main, program } = install("work");
  const result = asUser(countArgs(main, program));
  assert.match(result.stdout, /\n3000 by [1-9]\d*\n$/, result.stderr);
  assert.is(result.status, 0, result.stderr);
});

test("in fresh user, pid and mount namespaces", () => {
  const { main, program } = install("work");
  const spaces = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
  const probe = asUser([...spaces, "true"]);
  if (probe.status !== 0) {
    process.stdout.write(`skipped: no unprivileged user namespaces here: ${probe.stderr}`);
    return;
  }
  const result = asUser([...spaces, ...countArgs(main, program)]);
  assert.match(result.stdout, /\n3000 by 0\n$/, result.stderr);
  assert.is(result.status, 0, result.stderr);
});

test("attaching from outside to a process in a pid namespace of its own", () => {
  const { main, program } = install("work");
  // Ids are those of the process's own namespace, in which its target is another number.
  const script = `global n probe process("${program}").function("work") { if (ns_pid() == target()) n++ }
    probe process("${program}").begin { println(pid() == target() ? "begun" : "another") }
    probe begin { println(target() > 1 ? "outside" : "inside") }
    probe timer.ms(20) { if (n > 1000) exit() } probe end { println(n > 1000 ? "counted" : "few") }`;
  const shell = `unshare --user --map-root-user --pid --fork --mount-proc ${program} 2 4000000000 &
    for i in $(seq 100); do pid=$(pgrep -n -x work) && break; sleep 0.05; done
    ${process.execPath} ${main} --target-namespaces=$pid -e '${script}' -x $pid; kill -9 $pid`;
  const result = asUser(["/bin/sh", "-c", shell]);
  if (/unshare: unshare failed/.test(result.stderr)) {
    process.stdout.write(`skipped: no unprivileged user namespaces here: ${result.stderr}`);
    return;
  }
  assert.match(result.stdout, /^outside\nbegun\ncounted$/m, result.stderr);
});

test("root follows a program that becomes an ordinary user before it executes another", () => {
  const { program } = install("work");
  const script = `global n probe process("${program}").function("work") { n[uid()]++ }
    probe end { foreach (user in n) printf("%d by %d\\n", n[user], user) }`;
  const drop = `setpriv --reuid ${USER} --regid ${USER} --clear-groups`;
  const { stdout, stderr } = wastap(["-e", script, "-c", `${drop} ${program} 3 1000`]);
  assert.match(stdout, /^3000 by [1-9]\d*$/m, stderr + stdout);
  assert.is(stderr, "");
});

s.run();
