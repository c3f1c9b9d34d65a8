/** String functions of the library (tapsets.md string.stp, tokenize.stp). */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createHarness, type Harness, PLACES } from "./harness.js";

const s = suite("library/string");
const MOST: number = PLACES.maxString - 1;

s("copy and append cut at the capacity", () => {
  const h = createHarness();
  const long = "0123456789".repeat(9);
  assert.is(
    h.result((out) => h.lib.string_copy(out, h.text(long))),
    long.slice(0, MOST),
  );
  const appended = h.result((out) => {
    h.lib.string_copy(out, h.text("ab"));
    h.lib.string_append(out, h.text("cd"));
    h.lib.string_append(out, h.text(long));
  });
  assert.is(appended, `abcd${long}`.slice(0, MOST));
  const doubled = h.result((out) => {
    h.lib.string_copy(out, h.text("xyz"));
    h.lib.string_append(out, out);
    h.lib.string_copy(out, out);
  });
  assert.is(doubled, "xyzxyz");
});

s("compare is by unsigned bytes", () => {
  const h = createHarness();
  const order = (a: string, b: string): number =>
    Math.sign(h.lib.string_compare(h.text(a), h.text(b)) as number);
  assert.is(order("", ""), 0);
  assert.is(order("a", "a"), 0);
  assert.is(order("a", "b"), -1);
  assert.is(order("ab", "a"), 1);
  assert.is(order("\xff", "a"), 1);
});

s("strlen, substr, stringat", () => {
  const h = createHarness();
  const text = h.text("hello");
  assert.is(h.lib.strlen(h.context, text), 5n);
  const substr = (start: bigint, length: bigint): string =>
    h.result((out) => h.lib.substr(h.context, text, start, length, out));
  assert.is(substr(1n, 3n), "ell");
  assert.is(substr(3n, 99n), "lo");
  assert.is(substr(0n, 1n << 40n), "hello");
  for (const [start, length] of [
    [5n, 1n],
    [-1n, 3n],
    [0n, 0n],
    [0n, -1n],
    [1n << 40n, 1n],
  ] as const) {
    assert.is(substr(start, length), "");
  }
  const at = (position: bigint): unknown => h.lib.stringat(h.context, text, position);
  assert.is(at(0n), 104n);
  assert.is(at(4n), 111n);
  assert.is(h.lib.stringat(h.context, h.text("\xe9"), 0n), -23n);
  assert.is(h.error(), "");
  for (const position of [5n, -1n, 1n << 32n]) {
    assert.is(at(position), 0n);
    assert.is(h.error(), "Position out of bounds");
  }
});

s("isinstr, strpos, isdigit", () => {
  const h = createHarness();
  const find = (text: string, search: string): unknown =>
    h.lib.strpos(h.context, h.text(text), h.text(search));
  assert.is(find("abcabc", "ca"), 2n);
  assert.is(find("abc", ""), 0n);
  assert.is(find("abc", "abcd"), -1n);
  assert.is(find("aab", "ab"), 1n);
  assert.is(find("", "x"), -1n);
  assert.is(h.lib.isinstr(h.context, h.text("abc"), h.text("bc")), 1n);
  assert.is(h.lib.isinstr(h.context, h.text("abc"), h.text("cb")), 0n);
  assert.is(h.lib.isdigit(h.context, h.text("7x")), 1n);
  assert.is(h.lib.isdigit(h.context, h.text("x7")), 0n);
  assert.is(h.lib.isdigit(h.context, h.text("")), 0n);
});

s("str_replace replaces from the left and cuts", () => {
  const h = createHarness();
  const replace = (text: string, search: string, by: string): string =>
    h.result((out) => h.lib.str_replace(h.context, h.text(text), h.text(search), h.text(by), out));
  assert.is(replace("aaa", "aa", "b"), "ba");
  assert.is(replace("a.b.c", ".", ""), "abc");
  assert.is(replace("abc", "", "x"), "abc");
  assert.is(replace("abc", "x", "y"), "abc");
  assert.is(replace("..", ".", "0123456789".repeat(5)), "0123456789".repeat(7).slice(0, MOST));
});

s("strtol as in C", () => {
  const h = createHarness();
  const cases: [string, bigint, bigint][] = [
    ["42", 10n, 42n],
    [" \t-42x", 10n, -42n],
    ["+7", 10n, 7n],
    ["0x1f", 16n, 31n],
    ["0x1f", 0n, 31n],
    ["0X1F", 0n, 31n],
    ["017", 0n, 15n],
    ["19", 0n, 19n],
    ["0xg", 16n, 0n],
    ["0x", 0n, 0n],
    ["zz", 36n, 1295n],
    ["12", 2n, 1n],
    ["9", 1n, 0n],
    ["9", 37n, 0n],
    ["9", -10n, 0n],
    ["", 10n, 0n],
    ["-", 10n, 0n],
    ["9223372036854775807", 10n, (1n << 63n) - 1n],
    ["9223372036854775808", 10n, (1n << 63n) - 1n],
    ["99999999999999999999999", 10n, (1n << 63n) - 1n],
    ["-9223372036854775808", 10n, -(1n << 63n)],
    ["-9223372036854775809", 10n, -(1n << 63n)],
    ["ffffffffffffffffff", 16n, (1n << 63n) - 1n],
  ];
  for (const [text, base, value] of cases) {
    assert.is(h.lib.strtol(h.context, h.text(text), base), value, `${text} base ${base}`);
  }
});

function tokens(h: Harness, input: string, delimiters: string, count: number): string[] {
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    const text = h.text(i === 0 ? input : "");
    found.push(h.result((out) => h.lib.tokenize(h.context, text, h.text(delimiters), out)));
  }
  return found;
}

s("tokenize skips empty tokens and ends with an empty one", () => {
  const h = createHarness();
  assert.equal(tokens(h, "a,b;;c,", ",;", 5), ["a", "b", "c", "", ""]);
  assert.equal(tokens(h, ",,x", ",", 2), ["x", ""]);
  assert.equal(tokens(h, ",,,", ",", 1), [""]);
  assert.equal(tokens(h, "one", "", 2), ["one", ""]);
});

s("tokenize keeps its own copy and forgets it between handlers", () => {
  const h = createHarness();
  const input = h.text("a b");
  h.result((out) => h.lib.tokenize(h.context, input, h.text(" "), out));
  h.bytes.fill(0x7a, input, input + 3);
  assert.equal(tokens(h, "", " ", 1), ["b"]);
  h.lib.enter(h.context, 0, 0);
  assert.equal(tokens(h, "", " ", 1), [""]);
});

function quote(h: Harness, text: string, length = 0n, quoted = 0n): string {
  return h.result((out) => h.lib.text_strn(h.context, h.text(text), length, quoted, out));
}

s("text_strn escapes what is not printable", () => {
  const h = createHarness();
  assert.is(quote(h, 'a\x07\b\t\n\v\f\r"\\'), 'a\\a\\b\\t\\n\\v\\f\\r\\"\\\\');
  assert.is(quote(h, "\x01\x1f\x7f\xff~ "), "\\001\\037\\177\\377~ ");
  assert.is(quote(h, "plain", 0n, 1n), '"plain"');
  assert.is(quote(h, "", 0n, 1n), '""');
});

s("text_strn shows valid UTF-8 as code points and other bytes in octal", () => {
  const h = createHarness();
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  assert.is(quote(h, bytes("é€")), "\\u00E9\\u20AC");
  assert.is(quote(h, bytes("😀")), "\\U0001F600");
  assert.is(quote(h, "\xc0\x80"), "\\300\\200");
  assert.is(quote(h, "\xed\xa0\x80"), "\\355\\240\\200");
  assert.is(quote(h, "\xe2\x82"), "\\342\\202");
});

s("text_strn cuts at its length, never within an escape unless for the dots", () => {
  const h = createHarness();
  assert.is(quote(h, "abcdef", 3n), "abc");
  assert.is(quote(h, "ab\ncd", 3n), "ab");
  assert.is(quote(h, "abcdefghij", 8n, 1n), '"abc"...');
  assert.is(quote(h, "abcdef", 8n, 1n), '"abcdef"');
  assert.is(quote(h, "abcdef", 1n, 1n), '""...');
  const long = "0123456789".repeat(7);
  assert.is(quote(h, long, 0n, 1n), `"${long.slice(0, MOST - 5)}"...`);
  assert.is(quote(h, long, 1n << 40n), long.slice(0, MOST));
});

s.run();
