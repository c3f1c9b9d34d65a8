/** Debian's unmodified php8.2: its SDT marks give an exact call tree. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { semaphores } from "../support/process.js";
import { hasProgram, type Running, start, startWastap, wastap } from "../support/tools.js";

const PHP = "/usr/bin/php8.2";
const s = suite("run/php");
const available = hasProgram(PHP);
const test = available ? s : s.skip;
const running: Running[] = [];
s.after.each(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});
if (!available) process.stdout.write(`skipped: no ${PHP}\n`);

const SCRIPT = `
probe process("${PHP}").mark("function__entry") {
  printf("%s=> %s %s:%d\\n", thread_indent(1), user_string($arg1), user_string($arg2), $arg3)
}
probe process("${PHP}").mark("function__return") {
  printf("%s<= %s %s:%d\\n", thread_indent(-1), user_string($arg1), user_string($arg2), $arg3)
}`;

const PROGRAM = `<?php
function leaf($n) {
    return $n + 1;
}
class Größe {
    public function middle($n) {
        return leaf($n) + leaf($n + 1);
    }
}
function outer() {
    $total = 0;
    for ($i = 0; $i < 3; $i++) {
        $total += (new Größe)->middle($i);
    }
    return $total;
}
echo outer(), "\\n";
`;

/** The tree that PROGRAM must give: entries carry the line of the first statement. */
function expectedTree(file: string): string[] {
  const tree: string[] = [];
  const call = (depth: number, name: string, line: number, inner: () => void): void => {
    const indent = " ".repeat(depth);
    tree.push(`${indent}=> ${name} ${file}:${line}`);
    inner();
    tree.push(`${indent}<= ${name} ${file}:`);
  };
  call(0, "main", 17, () => {
    call(1, "outer", 11, () => {
      for (let i = 0; i < 3; i++) {
        call(2, "middle", 7, () => {
          call(3, "leaf", 3, () => {});
          call(3, "leaf", 3, () => {});
        });
      }
    });
  });
  return tree;
}

test("the call tree of nested functions is exact, in a file with a non-ASCII name", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-php-"));
  const file = join(directory, "größe.php");
  writeFileSync(file, PROGRAM);
  const output = join(directory, "tree");
  const args = ["-o", output, "-e", SCRIPT, "-c", `${PHP} ${file}`];
  const result = wastap(args, { env: { USE_ZEND_DTRACE: "1" } });
  assert.is(result.status, 0, result.stderr);
  assert.is(result.stdout, "15\n", "the program's own output");
  const tree = readFileSync(output, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^ *\d+ php8\.2\(\d+\):/, ""))
    .map((line) => (line.includes("<=") ? line.replace(/:\d+$/, ":") : line));
  assert.equal(tree, expectedTree(file));
  assert.is(result.stderr, "");
});

test("the program runs unchanged when its marks are found through env and a shell", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-php-"));
  const file = join(directory, "a.php");
  writeFileSync(file, PROGRAM);
  const script = `global n probe process("${PHP}").mark("function__entry") { n++ } probe end { println(n) }`;
  const result = wastap(["-e", script, "-c", `env USE_ZEND_DTRACE=1 ${PHP} ${file}`]);
  assert.is(result.stdout, "15\n11\n", result.stderr);
});

test("every mark is probed; what is executed returns", () => {
  const file = join(mkdtempSync(join(tmpdir(), "wastap-php-")), "a.php");
  writeFileSync(file, PROGRAM);
  const script = `global n probe process("${PHP}").mark("*") { n[$$name]++ }
    probe end {
      foreach (name+ in n) if (name =~ "^(execute|function)__") printf("%s %d\\n", name, n[name])
    }`;
  const result = wastap(["-e", script, "-c", `env USE_ZEND_DTRACE=1 ${PHP} ${file}`]);
  const counts = "execute__entry 11\nexecute__return 11\nfunction__entry 11\nfunction__return 11\n";
  assert.is(result.stdout, `15\n${counts}`);
  assert.is(result.stderr, "");
});

test("semaphores are raised while probing and lowered afterwards", async () => {
  const program = "echo 'ready', PHP_EOL; function f() {} while (true) f();";
  const target = start(PHP, ["-r", program], { env: { USE_ZEND_DTRACE: "1" } });
  running.push(target);
  await target.until(/ready/);
  const marks = ["function__entry", "function__return"] as const;
  const values = (): number[][] => marks.map((name) => semaphores(target.pid, PHP, name));
  assert.equal(values(), [[0], [0]]);
  const script = `global n probe process("${PHP}").mark("function__entry") { n++ }
    probe timer.ms(10) { if (n > 10) println("counting") }`;
  const tap = startWastap(["-e", script, "-x", String(target.pid)]);
  await tap.until(/counting/);
  assert.equal(values(), [[1], [0]], "only the mark that is probed");
  tap.child.kill("SIGINT");
  await tap.finished();
  assert.equal(values(), [[0], [0]]);
});

test("semaphores that a killed session left are lowered by the next one", async () => {
  const program = "echo 'ready', PHP_EOL; function f() {} while (true) f();";
  const target = start(PHP, ["-r", program], { env: { USE_ZEND_DTRACE: "1" } });
  running.push(target);
  await target.until(/ready/);
  const value = (): number[] => semaphores(target.pid, PHP, "function__entry");
  const script = `global n, m
    probe process("${PHP}").mark("function__entry") { n++ }
    probe process("${PHP}").mark("function__entry") { m++ }
    probe timer.ms(10) { if (n > 10 && m > 10) println("counting") }`;
  const tap = startWastap(["-e", script, "-x", String(target.pid)]);
  await tap.until(/counting/);
  tap.child.kill("SIGKILL");
  await tap.finished();
  assert.equal(value(), [2], "one for each probe");
  const other = `probe process("${PHP}").mark("request__startup") { next } probe timer.ms(10) { exit() }`;
  const next = startWastap(["-e", other, "-x", String(target.pid)]);
  assert.is((await next.finished()).status, 0);
  assert.equal(value(), [0]);
});

s.run();
