/**
 * Functions on x86-64: calls of all kinds, their frames, and the instance that they belong to with
 * its globals.
 */
import { VM_CONTEXT } from "../layout/private.js";
import { newLabel } from "../x64/encode.js";
import { GP } from "../x64/regs.js";
import type { Form } from "../x64/table.js";
import { type CodeAssembler, charge, encoded, immediateForm, isFloat } from "./code-x64.js";
import type { FrameShape, LinkSymbol, MachineType, Masm, Register } from "./masm.js";
import {
  CALLER_SAVED_BITS,
  frameSlot,
  MEMORY_BASE,
  SCRATCH,
  VM,
  vmField,
} from "./registers-x64.js";
import type { TrapReason } from "./traps.js";

/** The part of a Masm that is about functions. */
export type CallAssembler = Pick<
  Masm,
  | "loadInstance"
  | "storeInstance"
  | "loadCell"
  | "storeCell"
  | "addressOfInstance"
  | "call"
  | "callStaticTable"
  | "lookUpTable"
  | "callDescriptor"
  | "callHost"
  | "probeRegister"
  | "ticks"
  | "prologue"
  | "epilogue"
>;

/** That part, writing to `out`. */
export function callAssembler(out: CodeAssembler): CallAssembler {
  const instance = (): void => out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.instance));
  const cell = (offset: number): void => {
    instance();
    out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: offset });
  };
  return {
    loadInstance: (type, to, offset) => {
      instance();
      loadThroughScratch(out, type, to, offset);
    },
    storeInstance: (type, offset, from) => {
      instance();
      storeThroughScratch(out, type, offset, from);
    },
    loadCell: (type, to, offset) => {
      cell(offset);
      loadThroughScratch(out, type, to, 0);
    },
    storeCell: (type, offset, from) => {
      cell(offset);
      storeThroughScratch(out, type, 0, from);
    },
    addressOfInstance: (to, offset) => {
      instance();
      out.emit("lea r64,m", to, { base: SCRATCH, displacement: offset });
    },
    call: (symbol) => out.refer("call rel32", symbol),
    callStaticTable: (table, size, signature) => callStaticTable(out, table, size, signature),
    lookUpTable: (tableOffset, signature) => lookUpTable(out, tableOffset, signature),
    callDescriptor: (slot) => callDescriptor(out, slot),
    callHost: (index) => {
      out.emit("mov r64,r/m64", GP.rdi, VM);
      out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.hosts));
      out.emit("call r/m64", { base: SCRATCH, displacement: 8 * index });
      out.registers |= CALLER_SAVED_BITS;
    },
    probeRegister: (to, index) => {
      const none = newLabel();
      out.emit("mov r64,r/m64", to, vmField(VM_CONTEXT.frame));
      out.emit("test r/m64,r64", to, to);
      out.jump("je rel32", none);
      out.emit("mov r64,r/m64", to, { base: to, displacement: 8 * index });
      out.bind(none);
    },
    ticks: () => {
      out.emit("rdtsc");
      out.registers |= 1 << GP.rax;
      out.emit("shl r/m64,imm8", GP.rdx, 32);
      out.emit("or r64,r/m64", GP.rax, GP.rdx);
    },
    prologue: (frame) => prologue(out, frame),
    epilogue: (frame) => {
      if (frame.bytes > 0) immediateForm(out, "add", 64, GP.rsp, frame.bytes);
      for (const register of [...frame.saved].reverse()) out.emit("pop r64", register);
      out.emit("ret");
    },
  };
}

function loadThroughScratch(
  out: CodeAssembler,
  type: MachineType,
  to: Register,
  displacement: number,
): void {
  const from = { base: SCRATCH, displacement };
  if (isFloat(to)) out.emit("movsd xmm,xmm/m64", encoded(to), from);
  else out.emit(type === "i32" ? "mov r32,r/m32" : "mov r64,r/m64", to, from);
}

function storeThroughScratch(
  out: CodeAssembler,
  _type: MachineType,
  displacement: number,
  from: Register,
): void {
  const to = { base: SCRATCH, displacement };
  if (isFloat(from)) out.emit("movsd xmm/m64,xmm", to, encoded(from));
  else out.emit("mov r/m64,r64", to, from);
}

function trapWhen(out: CodeAssembler, form: Form, reason: TrapReason): void {
  out.refer(form, { kind: "trap", reason });
}

/** Elements are { i32 distance of the code from the table, u32 signature }, 0 for none. */
function callStaticTable(
  out: CodeAssembler,
  table: LinkSymbol,
  size: number,
  signature: number,
): void {
  const matches = newLabel();
  const index = GP.rax;
  immediateForm(out, "cmp", 32, index, size);
  trapWhen(out, "jae rel32", "undefined element");
  out.refer("lea r64,m", table, SCRATCH);
  const element = { base: SCRATCH, index, scale: 8 } as const;
  out.emit("cmp r/m32,imm32", { ...element, displacement: 4 }, signature);
  out.jump("je rel32", matches);
  out.emit("cmp r/m32,imm8", { ...element, displacement: 4 }, 0);
  trapWhen(out, "je rel32", "uninitialized element");
  trapWhen(out, "jmp rel32", "indirect call type mismatch");
  out.bind(matches);
  out.emit("movsxd r64,r/m32", index, { ...element, displacement: 0 });
  out.emit("add r64,r/m64", index, SCRATCH);
  out.emit("call r/m64", index);
}

/** A table object is { u64 address of elements, u64 size }, a descriptor see callDescriptor. */
function lookUpTable(out: CodeAssembler, tableOffset: number, signature: number): void {
  const index = GP.rax;
  out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.instance));
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: tableOffset });
  out.emit("cmp r64,r/m64", index, { base: SCRATCH, displacement: 8 });
  trapWhen(out, "jae rel32", "undefined element");
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: 0 });
  out.emit("mov r64,r/m64", index, { base: SCRATCH, index, scale: 8, displacement: 0 });
  out.emit("test r/m64,r64", index, index);
  trapWhen(out, "je rel32", "uninitialized element");
  out.emit("cmp r/m32,imm32", { base: index, displacement: 16 }, signature);
  trapWhen(out, "jne rel32", "indirect call type mismatch");
}

/** A descriptor is { u64 code, u64 instance, u64 signature }. */
function callDescriptor(out: CodeAssembler, slot: number): void {
  out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.instance));
  out.emit("mov r/m64,r64", frameSlot(slot), SCRATCH);
  out.emit("mov r64,r/m64", SCRATCH, { base: GP.rax, displacement: 8 });
  enterInstance(out);
  out.emit("call r/m64", { base: GP.rax, displacement: 0 });
  out.emit("mov r64,r/m64", SCRATCH, frameSlot(slot));
  enterInstance(out);
}

/** Makes the instance at the scratch register the current one; its word 0 is its memory object. */
function enterInstance(out: CodeAssembler): void {
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.instance), SCRATCH);
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: 0 });
  out.emit("mov r64,r/m64", MEMORY_BASE, { base: SCRATCH, displacement: 0 });
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.memoryBase), MEMORY_BASE);
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: 8 });
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.memorySize), SCRATCH);
}

/** Frames above this are compared exactly; below, the margin under stackLimit absorbs them. */
const UNCHECKED_FRAME_BYTES = 1024;

function prologue(out: CodeAssembler, frame: FrameShape): void {
  if (frame.bytes > UNCHECKED_FRAME_BYTES) {
    out.emit("lea r64,m", SCRATCH, { base: GP.rsp, displacement: -frame.bytes });
    // Below the bottom of the address space the sum wraps and is above rsp.
    out.emit("cmp r64,r/m64", SCRATCH, vmField(VM_CONTEXT.stackLimit));
    trapWhen(out, "jb rel32", "stack exhausted");
  } else if (frame.guarded) {
    out.emit("cmp r64,r/m64", GP.rsp, vmField(VM_CONTEXT.stackLimit));
    trapWhen(out, "jb rel32", "stack exhausted");
  }
  if (frame.guarded) charge(out);
  for (const register of frame.saved) out.emit("push r64", register);
  if (frame.bytes > 0) immediateForm(out, "sub", 64, GP.rsp, frame.bytes);
}
