/**
 * Lets a program that was just executed run until its libraries are loaded.
 *
 * The dynamic loader ends by jumping to AT_ENTRY of the auxiliary vector on the stack (getauxval(3);
 * glibc elf/rtld.c and musl ldso/dynlink.c read it there). That word is pointed at a few bytes
 *
 *     mov eax, 39 (getpid); syscall; jmp [rip]; address of the entry
 *
 * in unused executable bytes, and the tracing thread watches for that system call. No code is
 * changed, and if we die meanwhile the program passes through and runs.
 */
import { SEGMENT, viewOf, word } from "../../base/elf/image.js";
import { AUXILIARY, findSlack, readMappings, readMemory, readModules } from "./process.js";
import { REGISTER, type Tracer } from "./ptrace.js";

const GETPID = 39;
/** mov eax, imm32 and syscall */
const WATCHED_BYTES = 7;
const CODE_BYTES = 32;
const STACK_BYTES_READ = 1 << 20;

/** True if the program that was executed has a loader to run first. */
export function hasLoader(pid: number, path: string | null): boolean {
  const modules = readModules(pid, readMappings(pid));
  const program = modules.find((m) => m.path === path);
  return program?.image.segments.some((s) => s.type === SEGMENT.interpreter) ?? false;
}

/**
 * Runs a process that is held after execve(2) until it comes to its entry point, where it is held
 * again; `reached` waits for that, false if the process ended or executed something else instead.
 * Returns what `reached` gave; true at once where the loader cannot be followed.
 */
export async function runToEntry(
  tracer: Tracer,
  pid: number,
  reached: () => Promise<boolean>,
): Promise<boolean> {
  const mappings = readMappings(pid);
  const slack = findSlack(pid, mappings, CODE_BYTES);
  const registers = await tracer.registers(pid);
  const slot = entrySlot(pid, Number(registers[REGISTER.rsp] ?? 0n));
  if (slack === 0 || slot === null) return true;
  const saved = [
    { address: slot.address, bytes: readMemory(pid, slot.address, 8) },
    { address: slack, bytes: readMemory(pid, slack, CODE_BYTES) },
  ];
  await tracer.write(pid, [
    { address: slack, bytes: rendezvous(slot.entry) },
    { address: slot.address, bytes: littleEndian(slack) },
  ]);
  await tracer.watch(pid, slack + WATCHED_BYTES);
  const arrival = reached();
  await tracer.release(pid);
  if (!(await arrival)) return false;
  const now = await tracer.registers(pid);
  now[REGISTER.rip] = BigInt(slot.entry);
  await tracer.setRegisters(pid, now);
  await tracer.write(pid, saved);
  return true;
}

function rendezvous(entry: number): Uint8Array {
  const code = new Uint8Array(CODE_BYTES);
  // mov eax, GETPID; syscall; jmp [rip+0]
  code.set([0xb8, GETPID, 0, 0, 0, 0x0f, 0x05, 0xff, 0x25, 0, 0, 0, 0]);
  code.set(littleEndian(entry), 13);
  return code;
}

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/**
 * Where AT_ENTRY lies on the initial stack: argc, argv, 0, environment, 0, auxiliary vector
 * (SysV AMD64 ABI §3.4.1).
 */
function entrySlot(pid: number, rsp: number): { address: number; entry: number } | null {
  const mapping = readMappings(pid).find((m) => rsp >= m.start && rsp < m.end);
  if (mapping === undefined) return null;
  const size = Math.min(mapping.end - rsp, STACK_BYTES_READ);
  const view = viewOf(readMemory(pid, rsp, size - (size % 8)));
  const at = (index: number): number =>
    index * 8 + 8 <= view.byteLength ? word(view, index * 8) : 0;
  let index = 1 + at(0) + 1;
  while (at(index) !== 0) index++;
  for (index++; at(index) !== 0; index += 2) {
    if (at(index) === AUXILIARY.entry)
      return { address: rsp + index * 8 + 8, entry: at(index + 1) };
  }
  return null;
}
