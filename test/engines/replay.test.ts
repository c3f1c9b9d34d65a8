/**
 * The same bundle as machine code inside a live program and in V8 on hits that another run of the
 * program recorded: what is printed must be equal. Registers and memory of the two runs differ in
 * addresses only, of which the scripts print none.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readBundle } from "../../wasm-runtime/bundle-read.js";
import { assignHits, RECORDER, readHits } from "../support/recorder.js";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";
import { runInV8 } from "../support/v8-run.js";

const s = suite("engines/replay");
const missing = cannotTrace();
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const test = missing === null ? s : s.skip;

/** A program and two scripts of the same probe points. */
interface Replay {
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Records each hit (functions of RECORDER). */
  readonly recorder: string;
  readonly script: string;
  /** Output of the program itself. */
  readonly own: string;
  readonly hits: number;
}

/** Checks that both engines print the same; gives the text. */
function replay({ command, env = {}, recorder, script, own, hits: expected }: Replay): string {
  const directory = mkdtempSync(join(tmpdir(), "wastap-replay-"));
  // Apart from what the program prints, in pieces.
  const output = join(directory, "output");
  const recorded = wastap(["-o", output, "-e", RECORDER + recorder, "-c", command], { env });
  assert.is(recorded.status, 0, recorded.stderr);
  const hits = readHits(readFileSync(output, "utf8"));
  assert.is(hits.length, expected);
  const compiled = wastap(["-p4", "-m", "replay", "-e", script, "-c", command], { cwd: directory });
  assert.is(compiled.status, 0, compiled.stderr);
  const bundle = join(directory, "replay.wasm");
  const live = wastap(["-o", output, bundle, "-c", command], { env });
  assert.is(live.status, 0, live.stderr);
  assert.is(live.stderr, "");
  const bytes = readFileSync(bundle);
  const steps = assignHits(hits, readBundle(bytes).meta);
  assert.is(steps.length, expected);
  const { printed, said } = runInV8(bytes, steps);
  assert.is(said, "");
  assert.is(live.stdout, own);
  assert.is(readFileSync(output, "utf8"), printed);
  return printed;
}

const PHP = "/usr/bin/php8.2";
const PHP_MARK = (name: string): string => `process("${PHP}").mark("function__${name}")`;

const PHP_PROGRAM = `<?php
class Größe {
    public function walk($n) {
        return $n > 0 ? $this->walk($n - 1) + leaf($n) : 0;
    }
}
function leaf($n) {
    return strlen(str_repeat("x", $n));
}
function outer() {
    $total = 0;
    for ($i = 0; $i < 9; $i++) {
        $total += (new Größe)->walk($i);
    }
    return $total;
}
echo outer(), "\\n";
`;

const PHP_SCRIPT = `
global depth, calls, longest, entered
probe begin { printf("begin %s\\n", sprintf("%5d|%-5s|", 42, "ab")) }
probe ${PHP_MARK("entry")} {
  name = user_string($arg1)
  printf("%*s=> %s%s%s %s:%d %s\\n", depth++ * 2, "", user_string($arg4), user_string($arg5),
         name, user_string($arg2), $arg3, execname())
  calls[name, $arg3]++
  entered[depth] = name
  longest <<< depth * 100 + strlen(name)
}
probe ${PHP_MARK("return")} {
  if (entered[depth] != user_string($arg1)) println("crossed")
  delete entered[depth]
  printf("%*s<= %s\\n", --depth * 2, "", user_string($arg1))
}
probe end {
  foreach ([name, line] in calls-) printf("%-8s %3d %d\\n", name, line, calls[name, line])
  foreach ([name+, line] in calls limit 2) println(name)
  printf("%d %d %d %d %d %d\\n", @count(longest), @min(longest), @avg(longest), @max(longest),
         @sum(longest), @variance(longest))
  print(@hist_log(longest))
}`;

const php = hasProgram(PHP);
if (!php) process.stdout.write(`skipped: no ${PHP}\n`);
(php ? test : s.skip)("call tree, counts and a histogram of a PHP program", () => {
  const file = join(mkdtempSync(join(tmpdir(), "wastap-replay-")), "größe.php");
  writeFileSync(file, PHP_PROGRAM);
  const strings = [1, 2, 4, 5].map((number) => `record_string($arg${number})`).join(" ");
  // main, outer, 45 + 9 of walk, 36 of leaf: entry and return each
  const text = replay({
    command: `${PHP} ${file}`,
    env: { USE_ZEND_DTRACE: "1" },
    recorder: `probe ${PHP_MARK("entry")}, ${PHP_MARK("return")} { record() ${strings} }`,
    script: PHP_SCRIPT,
    own: "120\n",
    hits: 2 * (1 + 1 + 45 + 36),
  });
  assert.match(text, /^begin {4}42\|ab {3}\|\n=> main .*größe\.php:\d+ php8\.2\n {2}=> outer /);
  assert.match(text, /^walk +4 45\nleaf +8 36\n/m);
  assert.match(text, / {2}<= outer\n<= main\n/);
  assert.not.match(text, /crossed/);
});

test("entries, returns and every argument register of a C program", () => {
  const program = buildProgram("lengths");
  const entry = `process("${program}").function("f")`;
  const script = `
    global inside, seen%[5], lengths, names, total
    probe ${entry} {
      inside[tid()] = ulong_arg(1)
      names[user_string(pointer_arg(2))] <<< ulong_arg(1)
      seen[ulong_arg(1)] = register("rdi")
      printf("%s %#x %c %#o\\n", user_string(pointer_arg(2)), ulong_arg(1),
             user_char(pointer_arg(2) + 1), uint_arg(1))
    }
    probe ${entry}.return {
      n = inside[tid()]
      lengths <<< n * n - 50
      total += n
      printf("%d <- %d %s\\n", n == 3 ? returnval() : 0, n, isinstr(pp(), "return") ? "return" : "?")
    }
    probe end {
      foreach (name+ in names)
        printf("%s %d %d %d\\n", name, @count(names[name]), @sum(names[name]), @max(names[name]))
      foreach (n- in seen) printf(" %d", n)
      println(" ", total, " ", @variance(lengths, 4))
      print(@hist_linear(lengths, 0, 100, 5))
    }`;
  const text = replay({
    command: `${program} 12`,
    recorder: `probe ${entry} { record() record_string(pointer_arg(2)) } probe ${entry}.return { record() }`,
    script,
    own: "done\n",
    hits: 26,
  });
  assert.match(text, /^even 0x0 v 00\n0 <- 0 return\nodd 0x1 d 01\n/);
  assert.match(text, /^111 <- 3 return$/m);
  assert.match(text, /^even 6 30 10\nodd 7 47 11\n/m);
});

s.run();
