import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileText, LIBRARY_PATH, outputOf, run, start } from "./support.js";

const s = suite("lower/statements");
const test = LIBRARY_PATH === null ? s.skip : s;

/** Output of a begin probe with `body`. */
function begin(body: string, defines: Readonly<Record<string, string>> = {}): string {
  const all = new Map(Object.entries({ MAXTHREADS: "1", ...defines }));
  const names = ["g", "a", "t"].filter((name) => new RegExp(`\\b${name}\\b`).test(body));
  const globals = names.length === 0 ? "" : `global ${names.join(", ")} `;
  return outputOf(`${globals}probe begin { ${body} }`, { defines: all });
}

test("if and else bind to the nearest", () => {
  assert.is(begin("if (1) if (0) println(1); else println(2)"), "2\n");
  assert.is(begin("if (0) println(1) else if (1) println(2); else println(3)"), "2\n");
});

test("for, while, break, continue", () => {
  assert.is(
    begin("for (i = 0; i < 6; i++) { if (i == 2) continue; if (i > 4) break; print(i) } println()"),
    "0134\n",
  );
  assert.is(begin("while (1) { if (n++ > 3) break } println(n)"), "5\n");
  assert.is(
    begin("for (;;) { n++; while (m < 10) { m++; if (m == 5) break }; break } println(n, m)"),
    "15\n",
  );
});

test("next ends the handler", () => {
  assert.is(begin('println("a"); if (1) next; println("b")'), "a\n");
});

test("try catches soft errors, with their text", () => {
  assert.is(
    begin("try { println(1 / z) } catch (e) { println(e) } println(2)"),
    "division by 0\n2\n",
  );
  assert.is(
    begin('try { try { println(1 % z) } catch { error("x") } } catch (e) { println(e) }'),
    "x\n",
  );
  assert.is(
    begin(
      'for (i = 0; i < 3; i++) try { if (i == 1) continue; print(1 / i) } catch { print("c") } println()',
    ),
    "c0\n",
  );
});

test("an error ends the handler and keeps what was printed", () => {
  const text = 'probe begin { println("a"); println(5 / z); println("b") }';
  assert.is(
    outputOf(text),
    "a\nERROR: division by 0 near operator '/' at <input>:1:39 in probe begin\n",
  );
});

test("abort cannot be caught, exit lets the handler go on", () => {
  assert.is(begin('try { abort() } catch { println("c") } println("d")'), "");
  assert.is(begin('exit(); println("d")'), "d\n");
});

test("MAXACTION counts as SystemTap does", () => {
  const engine = start(
    compileText(
      "global n probe begin { for (i = 0; i < 100000; i++) { n = i } } probe end { println(n) }",
    ),
  );
  assert.match(
    run(engine),
    /^ERROR: MAXACTION exceeded near operator '\{' at <input>:1:53 in probe begin\n4998\n$/,
  );
  const empty = start(
    compileText(
      "global n probe begin { for (n = 0; n < 100000; n++) {} } probe end { println(n) }",
    ),
  );
  assert.match(run(empty), /\n9997\n$/);
});

test("MAXACTION cannot be caught and is not counted without limits", () => {
  const loop = "try { for (i = 0; i < 20000; i++) {} } catch { println(1) } println(i)";
  assert.match(begin(loop), /^ERROR: MAXACTION exceeded/);
  const text = `probe begin { ${loop} }`;
  assert.is(outputOf(text, { suppressTimeLimits: true }), "20000\n");
  assert.match(
    begin("x = 1; y = 2; println(x + y); println(4)", { MAXACTION_INTERRUPTIBLE: "3" }),
    /MAXACTION exceeded/,
  );
  assert.is(begin("x = 1; y = 2; println(x + y)", { MAXACTION_INTERRUPTIBLE: "4" }), "3\n");
});

test("MAXACTION is shared with functions that loop", () => {
  const text = `function f(n) { for (i = 0; i < n; i++) {} return i }
    probe begin { println(f(4000)); println(f(4000)); println(f(4000)) }`;
  assert.match(
    outputOf(text),
    /^4000\n4000\nERROR: MAXACTION exceeded near operator '\{' at <input>:1:41 \(called from identifier 'f' at <input>:2:63\) in probe begin\n$/,
  );
});

test("delete empties scalars, elements, slices and arrays", () => {
  assert.is(
    begin('g = 5; delete g; println(g); t = "x"; delete t; println("[", t, "]")'),
    "0\n[]\n",
  );
  assert.is(
    begin("a[1] = 1; a[2] = 2; delete a[1]; delete a[9]; foreach (k in a) println(k)"),
    "2\n",
  );
  assert.is(
    begin(
      'a[1,"x"] = 1; a[2,"x"] = 2; a[1,"y"] = 3; delete a[1,*]; foreach ([k, l] in a) println(k, l)',
    ),
    "2x\n",
  );
  assert.is(begin("a[1] = 1; delete a; println(1 in a); x = 4; delete x; println(x)"), "0\n0\n");
});

test("locals start empty in every handler", () => {
  const engine = start(compileText('probe begin { println(n, "[", s, "]"); n = 1; s = "x" }'));
  assert.is(run(engine, [{ probe: 0 }, { probe: 0 }]), "0[]\n0[]\n");
});

s.run();
