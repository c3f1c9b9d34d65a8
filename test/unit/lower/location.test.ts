import { suite } from "uvu";
import * as assert from "uvu/assert";
import { emitBundle } from "../../../compiler/emit/emit.js";
import { lowerProgram } from "../../../compiler/lower/lower.js";
import type { Location } from "../../../compiler/types/location.js";
import { EMPTY_HIT, type Hit } from "../../../wasm-runtime/engine/hit.js";
import { compileErrors, compileText, contextWith, LIBRARY_PATH, run, start } from "./support.js";

const s = suite("lower/location");
const test = LIBRARY_PATH === null ? s.skip : s;

const memory = Buffer.alloc(64);
memory.writeBigInt64LE(-5n, 0);
memory.writeBigInt64LE(0x2010n, 8);
memory.write("text\0", 16);
const hit: Hit = {
  ...EMPTY_HIT,
  registers: EMPTY_HIT.registers.map((_, index) => (index === 3 ? 0x2000n : 0xffff_fff0n)),
  memory: [{ address: 0x2000n, bytes: memory }],
};
const base: Location = { kind: "register", register: 3, bytes: 8, shift: 0, signed: false };

/** What a handler prints when a call in it is taken for a variable with the value `location`. */
function shownValue(
  location: Location,
  type: "long" | "string" = "long",
  more: Partial<Hit> = {},
): string {
  const { program } = compileText("probe process.begin { println(pid()) }");
  const [id] = [...program.calls.keys()];
  assert.ok(id !== undefined, "a call");
  const changed = {
    ...program,
    locations: new Map([[id ?? 0, location]]),
    types: new Map([...program.types, [id ?? 0, type]]),
  };
  const lowered = lowerProgram(changed, contextWith());
  const { bundle } = emitBundle(lowered);
  return run(start({ bundle, program: changed, meta: lowered.meta }), [
    { probe: 0, hit: { ...hit, ...more } },
  ]);
}

test("registers, whole or a part, with or without sign", () => {
  const part = (bytes: 1 | 2 | 4 | 8, shift: number, signed: boolean): string =>
    shownValue({ kind: "register", register: 0, bytes, shift, signed });
  assert.is(part(8, 0, true), "4294967280\n");
  assert.is(part(4, 0, true), "-16\n");
  assert.is(part(4, 0, false), "4294967280\n");
  assert.is(part(2, 0, true), "-16\n");
  assert.is(part(1, 0, false), "240\n");
  assert.is(part(1, 8, false), "255\n");
});

test("memory, through pointers and with arithmetic", () => {
  const load = (address: Location, bytes: 1 | 2 | 4 | 8, signed: boolean): Location => ({
    kind: "load",
    address,
    bytes,
    signed,
  });
  const eight: Location = { kind: "constant", value: 8n };
  const pointer = load({ kind: "add", left: base, right: eight }, 8, false);
  assert.is(shownValue(load(base, 8, true)), "-5\n");
  assert.is(shownValue(load(base, 1, false)), "251\n");
  assert.is(shownValue(load(pointer, 1, false)), "116\n");
  assert.is(shownValue({ kind: "multiply", left: base, right: eight }), "65536\n");
});

test("a fault is an error that names the variable", () => {
  const text = shownValue({
    kind: "load",
    address: { kind: "constant", value: 16n },
    bytes: 4,
    signed: true,
  });
  assert.match(text, /^ERROR: read fault \[man error::fault\] at 0x10 near identifier 'pid'/);
});

test("texts, constant and made at run time", () => {
  assert.is(shownValue({ kind: "text", text: "main" }, "string"), "main\n");
  const string: Location = { kind: "add", left: base, right: { kind: "constant", value: 16n } };
  const pieces = [
    { text: "a=" },
    { value: base, conversion: "x" as const },
    { text: " s=" },
    { value: string, conversion: "string" as const },
    { text: " t=" },
    { value: { kind: "constant", value: 9n } as const, conversion: "string" as const },
  ];
  assert.is(
    shownValue({ kind: "format", pieces, onFault: null }, "string"),
    "a=0x2000 s=text t=<unknown>\n",
  );
});

test("addresses of a module need the place of the probe", () => {
  const address: Location = { kind: "module-address", address: 0x1234n, module: null };
  assert.throws(() => shownValue(address), /not supported yet: address of a variable/);
});

test("addresses of a named module follow its load bias", () => {
  const module = { path: "/lib/example.so", buildId: null };
  const address: Location = { kind: "module-address", address: 0x1234n, module };
  assert.is(shownValue(address, "long", { loadBiases: [0x10000n] }), "70196\n");
  assert.is(shownValue(address), "0\n", "not loaded");
});

test("@uderef and @uregister in scripts", () => {
  const { bundle, program, meta } = compileText(
    'probe process.begin { printf("%d%d\\n", @uderef(8, @uregister(3)), @uderef(4, @uregister(3) + 8)) }',
  );
  assert.is(run(start({ bundle, program, meta }), [{ probe: 0, hit }]), "-58208\n");
  assert.equal(meta.capabilities, ["readMemory"]);
  assert.match(
    compileErrors('probe begin { printf("%d", @kderef(4, 8)) }'),
    /not supported|unsupported/,
  );
});

s.run();
