/** The encoder and printer against each other and against objdump. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Assembler, newLabel, type Operand } from "../../../wasm-runtime/x64/encode.js";
import { disassemble, showCode } from "../../../wasm-runtime/x64/print.js";
import { GP } from "../../../wasm-runtime/x64/regs.js";
import { type FormLayout, LAYOUTS } from "../../../wasm-runtime/x64/table.js";

const test = suite("x64");

/** Memory operands that need each shape of ModRM, SIB and displacement. */
const MEMORY: readonly Operand[] = [
  { base: GP.rax, displacement: 0 },
  { base: GP.rbp, displacement: 0 },
  { base: GP.r13, displacement: 0 },
  { base: GP.rsp, displacement: 8 },
  { base: GP.r12, displacement: 0x1000 },
  { base: GP.r14, index: GP.rcx, displacement: 0 },
  { base: GP.rdx, index: GP.r9, scale: 8, displacement: -4 },
  { base: GP.rbp, index: GP.rbp, scale: 4, displacement: 0x7fffffff },
  { base: "rip", displacement: 0x40 },
];
const REGISTERS: readonly number[] = [0, 3, 4, 5, 7, 8, 12, 15];

function operandsFor(layout: FormLayout, variant: number): Operand[] {
  return layout.operands.map((kind, index) => {
    if (kind === "m") return MEMORY[variant % MEMORY.length] ?? 0;
    if (/^(r|xmm)/.test(kind) && !kind.startsWith("rel")) {
      if (kind.includes("/") && variant < MEMORY.length) return MEMORY[variant] ?? 0;
      return REGISTERS[(variant + 3 * index) % REGISTERS.length] ?? 0;
    }
    if (kind === "imm8" || kind === "imm16") return 5 + variant;
    if (kind === "rel8") return 5;
    return kind !== "rel32" && variant % 2 !== 0 ? -0x1234567 : 0x1234567;
  });
}

function everything(): Uint8Array {
  const out = new Assembler<never>();
  for (const layout of LAYOUTS.values()) {
    for (let variant = 0; variant < 2 * MEMORY.length; variant++) {
      out.emit(layout.form, ...operandsFor(layout, variant));
    }
  }
  return out.finish();
}

/** Removes what two disassemblers may write differently. */
function plain(text: string): string {
  return text
    .replaceAll(/\b(BYTE|WORD|DWORD|QWORD|XMMWORD) PTR /g, "")
    .replaceAll(/ *#.*$/g, "")
    .replaceAll("movabs", "mov")
    .replaceAll("rex.W ", "")
    .replaceAll(/\*1\b/g, "")
    .replace(/^rep (movs|stos).*/, "rep $1")
    .replaceAll(/0x([0-9a-f]+)/g, (_, digits: string) =>
      BigInt.asIntN(32, BigInt(`0x${digits}`)).toString(),
    )
    .replaceAll(/\+0?(?=\])|\s+/g, "")
    .replaceAll(/\+-/g, "-");
}

function objdump(code: Uint8Array): string[] | null {
  const directory = mkdtempSync(join(tmpdir(), "wastap-x64-"));
  try {
    const file = join(directory, "code");
    writeFileSync(file, code);
    const result = spawnSync(
      "objdump",
      ["-D", "-b", "binary", "-mi386:x86-64", "-Mintel", "--no-show-raw-insn", "-z", file],
      { encoding: "utf8", maxBuffer: 1 << 26 },
    );
    if (result.error !== undefined) return null;
    return [...result.stdout.matchAll(/^ *[0-9a-f]+:\t(.*)$/gm)].map((m) => m[1] ?? "");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("agrees with objdump on every form", () => {
  const code = everything();
  const theirs = objdump(code);
  if (theirs === null) {
    process.stdout.write("skipped: objdump is not installed\n");
    return;
  }
  const ours = disassemble(code);
  assert.is(ours.length, theirs.length);
  for (const [index, line] of ours.entries()) {
    assert.is(plain(line.text), plain(theirs[index] ?? ""), `at ${line.offset.toString(16)}`);
  }
});

test("reads back every form it writes", () => {
  for (const layout of LAYOUTS.values()) {
    for (let variant = 0; variant < 2 * MEMORY.length; variant++) {
      const out = new Assembler<never>();
      out.emit(layout.form, ...operandsFor(layout, variant));
      const lines = disassemble(out.finish());
      assert.is(lines.length, 1, layout.form);
      assert.ok(lines[0]?.text.startsWith(layout.mnemonic), `${layout.form}: ${lines[0]?.text}`);
    }
  }
});

test("patches jumps forwards and backwards", () => {
  const out = new Assembler<never>();
  const top = newLabel();
  const end = newLabel();
  out.bind(top);
  out.jump("je rel32", end);
  out.jump("jmp rel32", top);
  out.bind(end);
  out.emit("ret");
  assert.is(showCode(out.finish()), "   0: je 0xb\n   6: jmp 0x0\n   b: ret\n");
});

test("records references to symbols", () => {
  const out = new Assembler<string>();
  out.refer("call rel32", "f");
  out.refer("lea r64,m", "data", GP.r11);
  assert.equal(
    out.references.map((r) => ({ at: r.at, symbol: r.symbol })),
    [
      { at: 1, symbol: "f" },
      { at: 8, symbol: "data" },
    ],
  );
});

test.run();
