/** sprintf in the library: conversions, limits, process memory, charts. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EMPTY_HIT } from "../../../wasm-runtime/engine/hit.js";
import { CONVERSIONS, parseFormat } from "../records/conversions.js";
import { createHarness, type Harness, PLACES } from "./harness.js";

const s = suite("library/text");

function sprintf(h: Harness, format: string, value: bigint | string): string {
  const { spec, width, precision } = parseFormat(format);
  const out = PLACES.data;
  h.bytes.fill(0x7e, out, out + 128);
  h.lib.text_begin(h.context, out);
  if (typeof value === "bigint") h.lib.text_long(h.context, value, spec, width, precision);
  else h.lib.text_string(h.context, h.text(value), spec, width, precision);
  const end = h.view.getInt32(h.context + 48, true);
  h.lib.text_end(h.context);
  assert.is(h.bytes[end], 0);
  return Buffer.from(h.bytes.slice(out, end)).toString("latin1");
}

for (const { format, value, text } of CONVERSIONS) {
  s(`${format} of ${value} is ${JSON.stringify(text)}`, () => {
    assert.is(sprintf(createHarness(), format, value), text);
  });
}

s("a text is cut at the capacity of a string", () => {
  const h = createHarness();
  const result = h.result((out) => {
    h.lib.text_begin(h.context, out);
    for (let i = 0; i < 9; i++) h.lib.text_literal(h.context, h.text("0123456789"));
    h.lib.text_long(h.context, 12345n, 0x64, 40, -1);
    h.lib.text_end(h.context);
  });
  assert.is(result, "0123456789".repeat(7).slice(0, PLACES.maxString - 1));
});

s("a number at the end of the capacity is cut, not moved", () => {
  const h = createHarness();
  const result = h.result((out) => {
    h.lib.text_begin(h.context, out);
    h.lib.text_literal(h.context, h.text("x".repeat(60)));
    h.lib.text_long(h.context, 123456n, 0x64, -1, -1);
    h.lib.text_end(h.context);
  });
  assert.is(result, `${"x".repeat(60)}123`);
});

s("%m and %M show process memory", () => {
  const h = createHarness();
  h.hit = { ...EMPTY_HIT, memory: [{ address: 0x1000n, bytes: Buffer.from("AB\xff", "latin1") }] };
  const result = h.result((out) => {
    h.lib.text_begin(h.context, out);
    h.lib.text_memory(h.context, 0x1000n, 0x6d, -1, 2);
    h.lib.text_memory(h.context, 0x1001n, 0x4d, 6, 2);
    h.lib.text_memory(h.context, 0x1000n, 0x4d, -1, -1);
    h.lib.text_literal(h.context, h.text("|"));
    h.lib.text_end(h.context);
  });
  assert.is(result, "AB  42ff41|");
  assert.is(h.error(), "");
  h.result((out) => {
    h.lib.text_begin(h.context, out);
    h.lib.text_memory(h.context, 0x1002n, 0x6d, -1, 4);
    h.lib.text_end(h.context);
  });
  assert.is(h.error(), "read fault [man error::fault] at 0x1003");
});

s.run();
