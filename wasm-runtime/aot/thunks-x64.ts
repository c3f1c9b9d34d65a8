/**
 * The border between C and compiled code. Inner entries set the pinned registers and note where
 * traps unwind to; trap stubs return from there. They may change every register, so C enters by
 * thunks that save what SysV callers expect back. C calls with the address of the VmContext in rdi
 * (SysV AMD64 ABI §3.2.3).
 */
import { TRAP_REASONS } from "../layout/host.js";
import { VM_CONTEXT } from "../layout/private.js";
import type { FunctionType } from "../module/module.js";
import { Assembler, type Label, newLabel } from "../x64/encode.js";
import { GP } from "../x64/regs.js";
import type { CodeAssembler } from "./code-x64.js";
import { argumentPlaces, isFloatType, outgoingSlots } from "./frame.js";
import type { LinkSymbol } from "./masm.js";
import { CALLEE_SAVED, frameSlot, MEMORY_BASE, REGISTERS, VM, vmField } from "./registers-x64.js";
import { type TrapReason, trapCode } from "./traps.js";

/** Where the values of a general thunk are; a register that calls preserve. */
const VALUES = GP.rbx;

/** Calls `inner` for C: saves registers, returns the trap reason. */
function callInner(out: CodeAssembler, inner: Label): void {
  for (const register of CALLEE_SAVED) out.emit("push r64", register);
  // Six registers and the return address: 8 more make rsp a multiple of 16.
  out.emit("sub r/m64,imm8", GP.rsp, 8);
  const reason = { base: GP.rdi, displacement: VM_CONTEXT.trapReason };
  out.emit("mov r/m32,imm32", reason, 0);
  out.jump("call rel32", inner);
  // Compiled code and trap stubs preserve the pinned register.
  out.emit("mov r32,r/m32", GP.rax, vmField(VM_CONTEXT.trapReason));
  out.emit("add r/m64,imm8", GP.rsp, 8);
  for (const register of [...CALLEE_SAVED].reverse()) out.emit("pop r64", register);
  out.emit("ret");
}

function setPinned(out: CodeAssembler): void {
  out.emit("mov r64,r/m64", VM, GP.rdi);
  out.emit("mov r64,r/m64", MEMORY_BASE, vmField(VM_CONTEXT.memoryBase));
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.trapSp), GP.rsp);
}

/** All trap stubs; `bind` is told where each starts. */
export function trapStubs(bind: (reason: TrapReason, offset: number) => void): CodeAssembler {
  const out: CodeAssembler = new Assembler<LinkSymbol>();
  const jumps: number[] = [];
  for (const reason of TRAP_REASONS) {
    if (reason === "none") continue;
    bind(reason, out.length);
    out.emit("mov r32,imm32", GP.rax, trapCode(reason));
    out.emit("jmp rel32", 0);
    jumps.push(out.length);
  }
  for (const end of jumps) out.patch32(end - 4, out.length - end);
  out.emit("mov r/m32,r32", vmField(VM_CONTEXT.trapReason), GP.rax);
  out.emit("mov r64,r/m64", GP.rsp, vmField(VM_CONTEXT.trapSp));
  out.emit("ret");
  return out;
}

/** Most arguments of an inner entry. */
export const MAX_ARGUMENTS = 2;

/**
 * Inner entry `void entry(struct wt_vm_context *, uint32_t first, uint32_t second)` of a function
 * without results that takes none, one or both. It may change every register but rsp; rdi may be lost.
 */
export function innerEntry(target: LinkSymbol, params: number): CodeAssembler {
  const out: CodeAssembler = new Assembler<LinkSymbol>();
  emitInner(out, target, params);
  return out;
}

function emitInner(out: CodeAssembler, target: LinkSymbol, params: number): void {
  const [first = GP.rdi, second = GP.rsi] = REGISTERS.parameters;
  setPinned(out);
  if (params > 0) out.emit("mov r32,r/m32", first, GP.rsi);
  if (params > 1) out.emit("mov r32,r/m32", second, GP.rdx);
  out.refer("jmp rel32", target);
}

/** `uint32_t entry(struct wt_vm_context *, uint32_t first, uint32_t second)`, as innerEntry. */
export function handlerThunk(target: LinkSymbol, params: number): CodeAssembler {
  const out: CodeAssembler = new Assembler<LinkSymbol>();
  const inner = newLabel();
  callInner(out, inner);
  out.bind(inner);
  emitInner(out, target, params);
  return out;
}

/** `uint32_t entry(struct wt_vm_context *, uint64_t *values)`: arguments in, results out. */
export function callThunk(target: LinkSymbol, type: FunctionType): CodeAssembler {
  const out: CodeAssembler = new Assembler<LinkSymbol>();
  const inner = newLabel();
  callInner(out, inner);
  out.bind(inner);
  const slots = outgoingSlots(type, REGISTERS);
  // The return address: 8 more make rsp a multiple of 16 at the call.
  const frameBytes = 16 * Math.ceil(slots / 2) + 8;
  setPinned(out);
  out.emit("mov r64,r/m64", VALUES, GP.rsi);
  out.emit("sub r/m64,imm32", GP.rsp, frameBytes);
  for (const [index, place] of argumentPlaces(type.params, REGISTERS).entries()) {
    const from = { base: VALUES, displacement: 8 * index };
    const paramType = type.params[index] ?? "i64";
    if (place.register === null) {
      out.emit(paramType === "i32" ? "mov r32,r/m32" : "mov r64,r/m64", GP.rax, from);
      out.emit("mov r/m64,r64", frameSlot(8 * place.slot), GP.rax);
    } else if (isFloatType(paramType)) out.emit("movsd xmm,xmm/m64", place.register & 15, from);
    else out.emit(paramType === "i32" ? "mov r32,r/m32" : "mov r64,r/m64", place.register, from);
  }
  out.refer("call rel32", target);
  const [only] = type.results;
  const first = { base: VALUES, displacement: 0 };
  if (type.results.length === 1 && only !== undefined) {
    if (isFloatType(only)) out.emit("movsd xmm/m64,xmm", first, REGISTERS.floatResult & 15);
    else out.emit("mov r/m64,r64", first, REGISTERS.result);
  } else {
    for (const index of type.results.keys()) {
      out.emit("mov r64,r/m64", GP.rax, frameSlot(8 * index));
      out.emit("mov r/m64,r64", { base: VALUES, displacement: 8 * index }, GP.rax);
    }
  }
  out.emit("add r/m64,imm32", GP.rsp, frameBytes);
  out.emit("ret");
  return out;
}
