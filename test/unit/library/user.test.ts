/** Process memory and surroundings, on a recorded hit. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EMPTY_HIT, type Hit } from "../../../wasm-runtime/engine/hit.js";
import { CONTEXT } from "../../../wasm-runtime/layout/memory.js";
import { createHarness, type Harness, PLACES } from "./harness.js";

const s = suite("library/user");

const HIT: Hit = {
  ...EMPTY_HIT,
  registers: Array.from({ length: 18 }, (_, i) => BigInt(i) | (1n << 63n)),
  memory: [
    { address: 0x1000n, bytes: Buffer.from("\xfe\xff\xff\xff\x01\x02\x03\x84", "latin1") },
    { address: 0x1008n, bytes: Buffer.from("hello\0") },
    { address: 0x2000n, bytes: Buffer.from("no end") },
    { address: 0x3000n, bytes: Buffer.from(`${"0123456789".repeat(9)}\0`) },
  ],
};

function onHit(canWrite = false): Harness {
  const h = createHarness({ canWrite });
  h.hit = { ...HIT, memory: HIT.memory.map((r) => ({ ...r, bytes: Uint8Array.from(r.bytes) })) };
  return h;
}

s("numbers of 1, 2, 4 and 8 bytes, signed and unsigned", () => {
  const h = onHit();
  for (const [bytes, signed, unsigned] of [
    [1n, -2n, 0xfen],
    [2n, -2n, 0xfffen],
    [4n, -2n, 0xfffffffen],
    [8n, BigInt.asIntN(64, 0x84030201fffffffen), BigInt.asIntN(64, 0x84030201fffffffen)],
  ] as const) {
    assert.is(h.lib.user_load(h.context, 0x1000n, bytes, 1n), signed);
    assert.is(h.lib.user_load(h.context, 0x1000n, bytes, 0n), unsigned);
    assert.is(h.lib.user_load_nofault(h.context, 0x1000n, bytes, 1n), signed);
  }
  assert.is(h.error(), "");
});

s("a fault is an error, or 0 for the nofault form", () => {
  const h = onHit();
  assert.is(h.lib.user_load(h.context, -1n, 1n, 0n), 0n);
  assert.is(h.error(), "read fault [man error::fault] at 0xffffffffffffffff");
  assert.is(h.lib.user_load_nofault(h.context, 0x2005n, 4n, 0n), 0n);
  assert.is(h.error(), "");
});

s("the first error is kept", () => {
  const h = onHit();
  h.lib.user_load(h.context, 0x10n, 1n, 0n);
  h.lib.user_load(h.context, 0x20n, 1n, 0n);
  assert.is(h.error(), "read fault [man error::fault] at 0x10");
});

s("strings, cut at n and at the capacity", () => {
  const h = onHit();
  const read = (address: bigint, most: bigint): string =>
    h.result((out) => h.lib.user_string(h.context, address, most, out));
  assert.is(read(0x1008n, -1n), "hello");
  assert.is(read(0x1008n, 3n), "hel");
  assert.is(read(0x1008n, 0n), "");
  assert.is(read(0x1008n, -7n), "");
  assert.is(read(0x2000n, 6n), "no end");
  assert.is(read(0x3000n, -1n), "0123456789".repeat(7).slice(0, PLACES.maxString - 1));
  assert.is(read(0x3000n, 1n << 40n), "0123456789".repeat(7).slice(0, PLACES.maxString - 1));
  assert.is(h.error(), "");
  assert.is(read(0x2000n, -1n), "");
  assert.is(h.error(), "user string copy fault -14 at 0x2000 [man error::fault]");
});

s("strings with a fallback", () => {
  const h = onHit();
  const read = (address: bigint): string =>
    h.result((out) => h.lib.user_string_or(h.context, address, -1n, h.text("<unknown>"), out));
  assert.is(read(0x1008n), "hello");
  assert.is(read(0n), "<unknown>");
  assert.is(h.error(), "");
});

s("quoted strings, an address on a fault", () => {
  const h = onHit();
  const top = h.view.getInt32(h.context + CONTEXT.scratchTop, true);
  const read = (address: bigint, most: bigint): string =>
    h.result((out) => h.lib.user_string_quoted(h.context, address, most, out));
  assert.is(read(0x1008n, -1n), '"hello"');
  assert.is(read(0x1008n, 2n), '"he"');
  assert.is(read(0xdead0000n, -1n), "0xdead0000");
  assert.match(read(0x3000n, -1n), /^"0123456789[0-9]*"\.\.\.$/);
  assert.is(h.view.getInt32(h.context + CONTEXT.scratchTop, true), top);
  assert.is(h.error(), "");
});

s("writes need the right to", () => {
  const h = onHit();
  h.lib.user_store(h.context, 0x1000n, 4n, 5n);
  assert.match(h.error(), /not allowed without guru mode/);
  const guru = onHit(true);
  guru.lib.user_store(guru.context, 0x1000n, 2n, 0x1234n);
  assert.is(guru.lib.user_load(guru.context, 0x1000n, 4n, 0n), 0xffff1234n);
  assert.is(guru.error(), "");
  guru.lib.user_store(guru.context, 0x5000n, 1n, 0n);
  assert.is(guru.error(), "write fault [man error::fault] at 0x5000");
});

s("registers by number, 0 where there is none", () => {
  const h = onHit();
  assert.is(h.lib.register_value(h.context, 17n), BigInt.asIntN(64, 17n | (1n << 63n)));
  assert.is(h.lib.register_value(h.context, 18n), 0n);
  assert.is(h.lib.register_value(h.context, -1n), 0n);
});

s("a backtrace has whole addresses only", () => {
  const h = onHit();
  h.hit = { ...HIT, returnAddresses: [0x401000n, 0x7ffff7dd0000n, 1n] };
  const show = (): string => {
    h.lib.enter(h.context, 0, 1000);
    return h.result((out) => h.lib.ubacktrace(h.context, out));
  };
  assert.is(show(), "0x401000 0x7ffff7dd0000 0x1 ");
  h.hit = { ...HIT, returnAddresses: Array.from({ length: 30 }, () => 0x7ffff7dd0000n) };
  assert.is(show(), "0x7ffff7dd0000 ".repeat(4));
  h.hit = HIT;
  assert.is(show(), "");
});

s("identities, clocks, names", () => {
  const h = onHit();
  const { lib, context } = h;
  h.hit = { ...HIT, identity: Array.from({ length: 11 }, (_, i) => BigInt(100 + i)) };
  const names = ["pid", "tid", "ppid", "pgrp", "sid", "uid", "euid", "gid", "egid", "cpu"] as const;
  assert.equal(
    names.map((name) => lib[name](context)),
    names.map((_, i) => BigInt(100 + i)),
  );
  assert.is(lib.stp_pid(context), 110n);
  assert.is(lib.gettimeofday_ns(context), 1_700_000_000_123_456_789n);
  assert.is(lib.gettimeofday_us(context), 1_700_000_000_123_456n);
  assert.is(lib.gettimeofday_ms(context), 1_700_000_000_123n);
  assert.is(lib.gettimeofday_s(context), 1_700_000_000n);
  assert.is(lib.monotonic_ns(context), 5_000_000_000n);
  assert.is(lib.get_cycles(context), 1000n);
  assert.is(
    h.result((out) => lib.execname(context, out)),
    "program",
  );
});

s("texts of the session and the probe", () => {
  const h = onHit();
  const table = PLACES.data;
  h.setSession("probeTable", table);
  for (const [index, text] of ["pp", "pn", "type"].entries()) {
    h.view.setInt32(table + 16 + 4 * index, h.text(text), true);
  }
  h.view.setInt32(table + 28, 1, true);
  h.setSession("moduleName", h.text("module"));
  h.setSession("timeZoneName", h.text("CET"));
  h.view.setBigInt64(1024 + 72, -3600n, true);
  h.view.setBigInt64(1024 + 64, 4242n, true);
  h.lib.enter(h.context, 1, 0);
  const text = (which: bigint): string =>
    h.result((out) => h.lib.probe_text(h.context, which, out));
  assert.equal([0n, 1n, 2n].map(text), ["pp", "pn", "type"]);
  assert.is(h.lib.is_return(h.context), 1n);
  assert.is(
    h.result((out) => h.lib.module_name(h.context, out)),
    "module",
  );
  assert.is(
    h.result((out) => h.lib.tz_name(h.context, out)),
    "CET",
  );
  assert.is(h.lib.tz_gmtoff(h.context), -3600n);
  assert.is(h.lib.target(h.context), 4242n);
});

s("randint is in range and reaches all of a small one", () => {
  const h = onHit();
  const seen = new Set<unknown>();
  for (let i = 0; i < 200; i++) seen.add(h.lib.randint(h.context, 4n));
  assert.equal([...seen].sort(), [0n, 1n, 2n, 3n]);
  assert.is(h.lib.randint(h.context, 0n), 0n);
  assert.is(h.error(), "");
  for (const limit of [-1n, (1n << 20n) + 1n]) {
    h.lib.randint(h.context, limit);
    assert.is(h.error(), "range too wide");
  }
});

s("ctime is asctime in UTC", () => {
  const h = onHit();
  const show = (seconds: bigint): string => h.result((out) => h.lib.ctime(h.context, seconds, out));
  const cases: [bigint, string][] = [
    [0n, "Thu Jan  1 00:00:00 1970"],
    [-1n, "Wed Dec 31 23:59:59 1969"],
    [951_782_400n, "Tue Feb 29 00:00:00 2000"],
    [1_700_000_000n, "Tue Nov 14 22:13:20 2023"],
    [4_107_542_400n, "Mon Mar  1 00:00:00 2100"],
    [253_402_300_799n, "Fri Dec 31 23:59:59 9999"],
    [-62_167_219_200n, "Sat Jan  1 00:00:00 0"],
  ];
  for (const [seconds, text] of cases) assert.is(show(seconds), text);
  assert.is(h.error(), "");
  for (const seconds of [253_402_300_800n, -(1n << 62n), 1n << 62n]) {
    assert.is(show(seconds), "");
    assert.is(h.error(), "Time cannot be converted");
  }
});

s.run();
