import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EMPTY_HIT } from "../../../wasm-runtime/engine/hit.js";
import { compileText, LIBRARY_PATH, outputOf, run, start } from "./support.js";

const s = suite("lower/print");
const test = LIBRARY_PATH === null ? s.skip : s;

function begin(body: string): string {
  return outputOf(`probe begin { ${body} }`);
}

test("print, println, printd, printdln, print_char", () => {
  assert.is(
    begin(
      'n = 3; t = "s"; print(n, t, "lit", 4); println(); println(n, t); printd("-", n, t, 1); printdln(", ", n, n); print_char(65); println("")',
    ),
    "3slit4\n3s\n3-s-13, 3\nA\n",
  );
});

test("printf conversions, widths and precisions", () => {
  const format = "[%d|%5d|%-5d|%05d|%+d|%x|%#x|%X|%o|%u|%c|%p|%s|%8s|%-8s|%.2s|%%]\\n";
  const args = "n, n, n, n, n, 255, 255, 255, 8, -1, 66, 16, t, t, t, t";
  const expected =
    "[42|   42|42   |00042|+42|ff|0xff|FF|10|18446744073709551615|B|0x10|text|    text|text    |te|%]\n";
  assert.is(begin(`n = 42; t = "text"; printf("${format}", ${args})`), expected);
  assert.is(begin(`n = 42; t = "text"; print(sprintf("${format}", ${args}))`), expected);
});

test("sizes given by arguments", () => {
  const call = '("%*d|%-*d|%.*s|%*s|\\n", 5, n, 5, n, 2, t, -6, t)';
  const expected = "    7|7    |ab|abc|\n";
  assert.is(begin(`n = 7; t = "abc"; printf${call}`), expected);
  assert.is(begin(`n = 7; t = "abc"; print(sprintf${call})`), expected);
});

/** Where the string ends within a field, the field is cut, not what it shows: verdicts of SystemTap 4.8. */
const CUT_FIELDS: readonly (readonly [call: string, made: string])[] = [
  ['"%020d", n', "000000000001234"],
  ['"ab%20d", n', "ab         1234"],
  ['"ab%.20d", n', "ab0000000001234"],
  ['"ab%20.7d", n', "ab       001234"],
  ['"ab%-20dz", n', "ab12345        "],
  ['"abcdefgh%+010d", n', "abcdefgh  +1234"],
  ['"abcdefgh%#10x", n', "abcdefgh  0x303"],
  ['"abcdefghijkl%p", n', "abcdefghijkl0x3"],
  ['"abcdefgh%10c", n', "abcdefgh       "],
  ['"abcdefgh%8b", 0x4142434445464748', "abcdefghHGFEDCB"],
  ['"abcdefghijk%8b", 0x4142434445464748', "abcdefghijk"],
  ['"abcdefghijklmn%7s", t', "abcdefghijklmns"],
  ['"abcdefghijklmno%5s", t', "abcdefghijklmno"],
  ['"abcdefghi%8s", t', "abcdefghi  star"],
  ['"%s%*s", "abcdefgh", 10, t', "abcdefgh   star"],
  ['"%30s", t', "           star"],
];

test("a field is no wider than what is left of the string", () => {
  const calls = CUT_FIELDS.map(([call]) => `println(sprintf(${call}))`).join("\n");
  const script = `probe begin { n = 12345; t = "start"\n${calls} }`;
  const compiled = compileText(script, { defines: new Map([["MAXSTRINGLEN", "16"]]) });
  assert.equal(
    run(start(compiled)).split("\n").slice(0, -1),
    CUT_FIELDS.map(([, made]) => made),
  );
});

test("arguments are complete before anything is printed", () => {
  assert.is(
    begin('printf("%d %d\\n", 1, 1 / z); println("no")'),
    "ERROR: division by 0 near operator '/' at <input>:1:38 in probe begin\n",
  );
  assert.is(
    outputOf('function f() { print("inner "); return 1 } probe begin { printf("%d\\n", f()) }'),
    "inner 1\n",
  );
});

test("no more than 32 arguments", () => {
  const args = Array.from({ length: 33 }, (_, i) => i);
  const list = (count: number): string => args.slice(0, count).join(",");
  assert.is(begin(`print(sprint(${list(32)})); print(${list(32)})`).length, 2 * 54);
  for (const call of [`println(${list(33)})`, `x = sprintd(".", ${list(33)}); print(x)`]) {
    assert.throws(() => begin(call), /too many arguments to print \(33\)/);
  }
});

test("sprint family makes strings", () => {
  assert.is(
    begin(
      'n = 1; s = sprint(n, "a") . sprintln("b") . sprintd(",", n, 2) . sprintdln("-", n, 3); print(s)',
    ),
    "1ab\n1,21-3\n",
  );
});

test("process memory, and a fault in it", () => {
  const bytes = Buffer.from("hello\0");
  const hit = { ...EMPTY_HIT, registers: [0x1000n], memory: [{ address: 0x1000n, bytes }] };
  const engine = start(
    compileText(
      'probe process.begin { printf("%.5m|%.2M|%s\\n", @uregister(0), @uregister(0), user_string(@uregister(0))) } probe process.end { printf("%.5m\\n", 64) }',
    ),
  );
  const text = run(engine, [
    { probe: 0, hit },
    { probe: 1, hit },
  ]);
  assert.match(text, /^hello\|6865\|hello\n/);
  assert.match(text, /ERROR: read fault \[man error::fault\] at 0x40/);
});

test("warnings and output keep their order", () => {
  assert.is(begin('println("a"); warn("careful"); println("b")'), "a\nWARNING: careful\nb\n");
});

s.run();
