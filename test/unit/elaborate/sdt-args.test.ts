/** Every form of operand of a static mark. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSdtArgument, splitSdtArguments } from "../../../compiler/elaborate/sdt-args.js";
import type { Location } from "../../../compiler/types/location.js";

const s = suite("elaborate/sdt-args");
const PC = 0x1000;

/** Text of a location: `s4:r5`, `u8[r7+-8]`, `@0x4010` for an address in the module. */
function show(location: Location): string {
  switch (location.kind) {
    case "constant":
      return String(location.value);
    case "register": {
      const shift = location.shift === 0 ? "" : `>>${location.shift}`;
      return `${location.signed ? "s" : "u"}${location.bytes}:r${location.register}${shift}`;
    }
    case "load":
      return `${location.signed ? "s" : "u"}${location.bytes}[${show(location.address)}]`;
    case "add":
      return `${show(location.left)}+${show(location.right)}`;
    case "multiply":
      return `${show(location.left)}*${show(location.right)}`;
    case "module-address":
      return `@0x${location.address.toString(16)}`;
    default:
      return location.kind;
  }
}

const SYMBOLS = new Map<string, Location>([
  ["table", { kind: "module-address", address: 0x4000n, module: null }],
  ["a.b", { kind: "module-address", address: 0x5000n, module: null }],
  ["mine@tpoff", { kind: "constant", value: -24n }],
]);

function parse(text: string): string {
  const argument = parseSdtArgument(text, PC, (name) => SYMBOLS.get(name) ?? null);
  if (argument.kind === "location") return show(argument.location);
  const { reason, symbol } = argument;
  return symbol === null ? `unsupported ${reason}` : `${reason} without ${symbol}`;
}

const CASES: readonly (readonly [operand: string, expected: string])[] = [
  // registers of every width
  ["8@%rax", "u8:r0"],
  ["4@%eax", "u4:r0"],
  ["-4@%eax", "s4:r0"],
  ["2@%ax", "u2:r0"],
  ["1@%al", "u1:r0"],
  ["1@%ah", "u1:r0>>8"],
  ["-1@%bh", "s1:r3>>8"],
  ["8@%rdx", "u8:r1"],
  ["8@%rcx", "u8:r2"],
  ["8@%rbx", "u8:r3"],
  ["8@%rsi", "u8:r4"],
  ["-8@%rdi", "s8:r5"],
  ["1@%dil", "u1:r5"],
  ["2@%si", "u2:r4"],
  ["8@%rbp", "u8:r6"],
  ["8@%rsp", "u8:r7"],
  ["8@%r8", "u8:r8"],
  ["4@%r8d", "u4:r8"],
  ["2@%r15w", "u2:r15"],
  ["1@%r15b", "u1:r15"],
  // the narrower of size and register counts
  ["8@%eax", "u4:r0"],
  ["-2@%eax", "s2:r0"],
  // immediates, truncated to their size
  ["8@$5", "5"],
  ["-4@$-1", "-1"],
  ["4@$-1", "4294967295"],
  ["8@$-1", "-1"],
  ["1@$0x1ff", "255"],
  ["8@$010", "8"],
  ["8@$table", "@0x4000"],
  // memory
  ["8@(%rsp)", "u8[u8:r7]"],
  ["-4@-20(%rbp)", "s4[u8:r6+-20]"],
  ["8@0x10(%rdi)", "u8[u8:r5+16]"],
  ["8@(%rdi,%rsi)", "u8[u8:r5+u8:r4]"],
  ["8@16(%rdi,%rsi,8)", "u8[u8:r5+16+u8:r4*8]"],
  ["8@(,%rsi,4)", "u8[u8:r4*4]"],
  ["8@8(%rdi, %rsi, 2)", "u8[u8:r5+8+u8:r4*2]"],
  ["4@table(%rip)", "u4[@0x4000]"],
  ["4@table+8(%rip)", "u4[@0x4008]"],
  ["4@8+table(%rip)", "u4[@0x4008]"],
  ["4@table-4(%rip)", "u4[@0x3ffc]"],
  ["4@a.b(%rip)", "u4[@0x5000]"],
  ["4@0x20(%rip)", "u4[@0x1020]"],
  ["4@table", "u4[@0x4000]"],
  ["4@table(,%rax,4)", "u4[@0x4000+u8:r0*4]"],
  ["4@1000", "u4[1000]"],
  // thread-local storage
  ["8@%fs:0x10", "u8[u8:r58+16]"],
  ["-4@%fs:mine@tpoff", "s4[u8:r58+-24]"],
  ["4@%fs:mine+4@TPOFF(,%rcx,4)", "u4[u8:r58+-20+u8:r2*4]"],
  ["2@%fs:(%rax)", "u2[u8:r58+u8:r0]"],
  // without a size: a signed word
  ["%rax", "s8:r0"],
  // floating point: the bits
  ["8f@8(%rsp)", "u8[u8:r7+8]"],
  ["8f@%xmm0", "u8:r17"],
  ["4f@%xmm15", "u4:r32"],
  // what nobody can read
  ["8@%xmm16", "unsupported operand '8@%xmm16'"],
  ["8@mine@gottpoff(%rip)", "unsupported operand '8@mine@gottpoff(%rip)'"],
  ["8@other(%rip)", "operand '8@other(%rip)' without other"],
  ["3@%rax", "unsupported operand '3@%rax'"],
  ["8@", "unsupported operand '8@'"],
  ["8@(%rdi,%rsi,3)", "unsupported operand '8@(%rdi,%rsi,3)'"],
  ["8@(%al)", "unsupported operand '8@(%al)'"],
];

for (const [operand, expected] of CASES) s(operand, () => assert.is(parse(operand), expected));

s("splits at blanks outside parentheses", () => {
  assert.equal(splitSdtArguments("8@%rax  -4@8(%rdi, %rsi, 2) 1@$3"), [
    "8@%rax",
    "-4@8(%rdi, %rsi, 2)",
    "1@$3",
  ]);
  assert.equal(splitSdtArguments(""), []);
});

s.run();
