import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileErrors, compileText, LIBRARY_PATH, outputOf, run, start } from "./support.js";

const s = suite("lower/globals");
const test = LIBRARY_PATH === null ? s.skip : s;

test("a number that traced handlers only add to is summed over all threads", () => {
  const engine = start(
    compileText(`global n = 10
      probe begin { n = 5 }
      probe process.begin { n++; n += 2; n-- }
      probe timer.s(1) { println("now ", n); n = 100 }
      probe end { println(n) }`),
  );
  assert.is(
    run(engine, [
      { probe: 0 },
      { probe: 1, slot: 0 },
      { probe: 1, slot: 1 },
      { probe: 1, slot: 1 },
      { probe: 2 },
      { probe: 1, slot: 2 },
      { probe: 3 },
    ]),
    "now 11\n102\n",
  );
});

test("such a handler calls nothing", () => {
  const { meta, bundle } = compileText(
    "global n probe process.begin { n++ } probe end { println(n) }",
  );
  assert.equal(meta.capabilities, []);
  assert.ok(bundle.length < 2000);
});

test("statistics of several threads are merged", () => {
  const engine = start(
    compileText(`global s
      probe process.begin { s <<< 3; s <<< 5 }
      probe end { println(@count(s), " ", @sum(s), " ", @min(s), " ", @max(s)) }`),
  );
  const hits = [0, 1, 2, 1].map((slot) => ({ probe: 0, slot }));
  assert.is(run(engine, [...hits, { probe: 1 }]), "8 32 3 5\n");
});

test("a lock that is taken elsewhere skips the handler", () => {
  const compiled = compileText(
    "global n probe process.begin { n = n * 2 + 1 } probe end { println(n) }",
    {
      defines: new Map([
        ["MAXTHREADS", "2"],
        ["MAXTRYLOCK", "3"],
      ]),
    },
  );
  const engine = start(compiled);
  const cell = compiled.meta.globals[0]?.address ?? 0;
  const words = new Int32Array(engine.memory.buffer);
  run(engine, [{ probe: 0 }]);
  Atomics.store(words, (cell - 8) >> 2, ~1);
  run(engine, [{ probe: 0 }, { probe: 0 }]);
  assert.is(engine.lost().skippedLocks, 2);
  Atomics.store(words, (cell - 8) >> 2, 0);
  assert.is(run(engine, [{ probe: 0 }, { probe: 1 }]), "3\n");
});

/** A hit of the first handler, two of `locked` while array `a`'s lock is taken, one of the first. */
function hitsUnderLock(
  script: string,
  locked = 0,
): { readonly skipped: number; readonly output: string } {
  const defines = new Map([["MAXTRYLOCK", "3"]]);
  const compiled = compileText(script, { defines });
  const engine = start(compiled);
  const lock = ((compiled.meta.globals[0]?.address ?? 0) - 64) >> 2;
  const words = new Int32Array(engine.memory.buffer);
  run(engine, [{ probe: 0 }]);
  Atomics.store(words, lock, ~1);
  run(engine, [{ probe: locked }, { probe: locked }]);
  Atomics.store(words, lock, 0);
  const output = run(engine, [{ probe: 0 }, { probe: compiled.meta.probes.length - 1 }]);
  return { skipped: engine.lost().skippedLocks, output };
}

const SHOW = 'probe end { foreach (k+ in a) printf("%d:%d ", k, a[k]) }';

test("an element of an array that only grows needs no lock once it is there", () => {
  const add = `global a probe process.begin { a[1]++ } ${SHOW}`;
  assert.equal(hitsUnderLock(add), { skipped: 0, output: "1:4 " });
  const set = `global a, n probe process.begin { a[1] = gettimeofday_s() > 0; n++ } ${SHOW}`;
  assert.equal(hitsUnderLock(set), { skipped: 0, output: "1:1 " });
});

test("a new element of such an array needs the lock", () => {
  const script = `global a probe process.begin { a[1] += 5 } probe process.end { a[2] += 7 } ${SHOW}`;
  assert.equal(hitsUnderLock(script, 1), { skipped: 2, output: "1:10 " });
});

const LOCKED: readonly (readonly [string, string])[] = [
  ["uses two elements", "probe process.begin { a[1] = a[2] + 1 }"],
  ["multiplies", "probe process.begin { a[1] *= 2 }"],
  ["repeats", "probe process.begin { for (i = 0; i < 2; i++) a[1]++ }"],
  ["calls a function that uses it", "function f() { return a[1]++ } probe process.begin { f() }"],
  ["deletes elsewhere", "probe process.begin { a[1]++ } probe process.end { delete a[1] }"],
  [
    "walks elsewhere",
    "probe process.begin { a[1]++ } probe timer.s(9) { foreach (k in a) println(k) }",
  ],
  ["uses another global", "probe process.begin { a[1] = b; b = !b }"],
];
for (const [what, probes] of LOCKED) {
  test(`an array is locked by handlers if one ${what}`, () => {
    assert.is(hitsUnderLock(`global a, b = 1 ${probes} ${SHOW}`).skipped, 2);
  });
}

test("end handlers need no lock, which a killed process may have left taken", () => {
  const compiled = compileText(
    "global n probe process.begin { n = n * 2 + 1 } probe end { println(n) }",
  );
  const engine = start(compiled);
  run(engine, [{ probe: 0 }]);
  const cell = compiled.meta.globals[0]?.address ?? 0;
  Atomics.store(new Int32Array(engine.memory.buffer), (cell - 8) >> 2, ~1);
  assert.is(run(engine, [{ probe: 1 }]), "1\n");
});

test("locks are free again after errors, next and conditions", () => {
  const engine = start(
    compileText(
      `global n, on = 1
      probe process.begin if (on) { n = n + 1; if (n == 2) next; if (n == 3) println(1 / (n - 3)) }
      probe process.end { on = !on }
      probe end { println(n) }`,
      { defines: new Map([["MAXERRORS", "10"]]) },
    ),
  );
  const hits = [0, 0, 0, 1, 0, 1, 0, 2].map((probe) => ({ probe }));
  const text = run(engine, hits);
  assert.match(text, /^ERROR: division by 0/);
  assert.match(text, /4\n$/);
  assert.is(engine.lost().skippedLocks, 0);
});

test("handlers do nothing unless the session runs", () => {
  const engine = start(
    compileText("global n probe process.begin { n++ } probe end { println(n) }"),
  );
  engine.start("stopping");
  engine.run(0);
  assert.is(run(engine, [{ probe: 1 }]), "0\n");
});

test("initial values come from the script or from -G", () => {
  const text =
    'global n = 7, t = "init", u probe begin { println(n, t, u); n++; t .= "x"; u = t; println(n, u) }';
  assert.is(outputOf(text), "7init\n8initx\n");
  const globals = new Map([
    ["n", "-0x10"],
    ["t", "set"],
  ]);
  assert.is(outputOf(text, { globals }), "-16set\n-15setx\n");
});

test("limits must be numbers in range, memory must not be too large", () => {
  const text = "global a probe begin { a[1] = 1; println(a[1]) }";
  assert.match(
    compileErrors(text, { defines: new Map([["MAXSTRINGLEN", "x"]]) }),
    "expected a number",
  );
  const defines = new Map([
    ["MAXMAPENTRIES", "16777216"],
    ["MAXSTRINGLEN", "4096"],
  ]);
  assert.match(
    compileErrors('global a probe begin { a["x"] = "y"; println(a["x"]) }', { defines }),
    "memory-too-large",
  );
});

test("handlers of a wildcard share their code", () => {
  const { meta } = compileText(
    "global n probe process.begin, process.end { n++ } probe end { println(n) }",
  );
  assert.is(meta.probes[0]?.handler, meta.probes[1]?.handler);
  const engine = start(compileText("probe process.begin, process.end { println(pp()) }"));
  assert.match(run(engine), /^process\(.*\)\.begin\nprocess\(.*\)\.end\n$/);
});

s.run();
