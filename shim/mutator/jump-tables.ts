/**
 * Where the indirect jumps of a function may lead in it, by the tables that it refers to.
 *
 * Compilers make tables of 32-bit distances from the table (position-independent code) or of
 * addresses. Programs that compute what they jump to (GNU C, "Labels as Values") have tables of
 * distances from a label, whose address is in the code, too. Whatever may be a table is read as one
 * while its entries lead into the function: what is found by chance only costs a region.
 */
import { viewOf, word } from "../../base/elf/image.js";
import { firstAbove } from "../../base/search.js";
import { readModule } from "./code-range.js";
import { constantsOf, jumpOperand, tableLoad } from "./decode.js";
import type { ModuleCode } from "./functions.js";
import type { Instructions } from "./instructions.js";

/** Code that may refer to tables: a function or a part of one, with the filler behind it. */
export interface TableUser {
  /** ELF addresses of its first byte, and behind its last. */
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly insns: Instructions;
}

const MAX_TABLE_ENTRIES = 4096;

/**
 * Where tables lead that `user` refers to, if it has a jump through one: mostly to its own code, or
 * to another part of its function. `isInsn`: whether an instruction begins at an address.
 */
export function tableTargets(
  module: ModuleCode,
  user: TableUser,
  isInsn: (address: number) => boolean,
): ReadonlySet<number> {
  const found = new Set<number>();
  if (!user.insns.hasFlow("indirect-jump")) return found;
  const { start, end, bytes, insns } = user;
  const references = Float64Array.from(new Set(insns.ripTargets())).sort();
  const mayLeadTo = (target: number): boolean =>
    (target >= start && target < end) || isInsn(target);
  const add = (table: number, entry: EntryKind): boolean => {
    // What the code refers to behind a table is something else.
    const after = firstAbove(references.length, (i) => references[i] ?? 0, table);
    const next = entry.width === 8 ? undefined : references[after];
    const most = Math.min(entry.width * MAX_TABLE_ENTRIES, (next ?? Infinity) - table);
    return addTargets(readTable(module, table, most), entry, mayLeadTo, found);
  };
  const relative = new Set(references.filter((table) => add(table, { width: 4, base: table })));
  for (const insn of insns) {
    const code = bytes.subarray(insn.address - start);
    if (insn.flow === "indirect-jump") {
      const { indexScale, displacement } = jumpOperand(code, insn.address);
      if (indexScale === 8) add(displacement, { width: 8, base: 0 });
    } else if (insn.flow === "next" && mayLoadTable(code)) {
      const load = tableLoad(code);
      if (load) add(load.displacement, { width: 8, base: 0 });
    }
  }
  const addresses = [...new Set(addressesIn(module, user))];
  const tables = addresses.filter(
    (address) => insns.indexOf(address) < 0 && !relative.has(address),
  );
  for (const base of addresses.filter((address) => insns.indexOf(address) >= 0)) {
    found.add(base);
    for (const table of tables) add(table, { width: 4, base }) || add(table, { width: 2, base });
  }
  return found;
}

/** mov r, r/m or movsxd with a SIB byte, after an optional REX prefix. */
function mayLoadTable(bytes: Uint8Array): boolean {
  const opcodeAt = ((bytes[0] ?? 0) & 0xf0) === 0x40 ? 1 : 0;
  const opcode = bytes[opcodeAt];
  return (opcode === 0x8b || opcode === 0x63) && ((bytes[opcodeAt + 1] ?? 0) & 7) === 4;
}

/** What the code refers to; in programs linked at a fixed address any number may be an address. */
function addressesIn({ loadBias }: ModuleCode, { start, bytes, insns }: TableUser): number[] {
  const found = insns.ripTargets();
  if (loadBias !== 0) return found;
  for (const { address, length } of insns) {
    if (length > SHORTEST) found.push(...constantsOf(bytes.subarray(address - start)));
  }
  return found;
}

/** Bytes of the opcode and of a 32-bit number. */
const SHORTEST = 4;

/** Bytes of an entry, and what it is a distance from: 0 in tables of addresses. */
interface EntryKind {
  readonly width: 2 | 4 | 8;
  readonly base: number;
}

/** Reads `table` up to an entry that leads nowhere; false if that is the first. */
function addTargets(
  table: Uint8Array,
  { width, base }: EntryKind,
  mayLeadTo: (target: number) => boolean,
  found: Set<number>,
): boolean {
  const view = viewOf(table);
  let at = 0;
  for (; at + width <= table.length; at += width) {
    const target = base + entryAt(view, at, width);
    if (!mayLeadTo(target)) break;
    found.add(target);
  }
  return at > 0;
}

function entryAt(view: DataView, at: number, width: EntryKind["width"]): number {
  if (width === 8) return word(view, at);
  return width === 4 ? view.getInt32(at, true) : view.getInt16(at, true);
}

/** Tables may also lie in code (hand-written assembly, or one segment for both). */
function readTable(module: ModuleCode, address: number, length: number): Uint8Array {
  const data = readModule(module.data, address, length);
  return data.length > 0 ? data : readModule(module.code, address, length);
}
