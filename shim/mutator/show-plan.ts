/** Text of a patch plan: ELF addresses only, so the same for every process and run. */
import { showInsn } from "./decode.js";
import type { PatchDraft, PlannedModule, PlannedRegion, RefusedSite } from "./plan.js";
import type { ProbeCall } from "./trampoline.js";

/** One line per region, displaced instruction and probe call; then the refused sites. */
export function showPlan(draft: PatchDraft): string {
  const lines = draft.modules.flatMap(showModule);
  return [...lines, ...draft.refused.map(showRefused), ""].join("\n");
}

function showModule({ code, regions, areaBytes }: PlannedModule): string[] {
  const head = `module ${code.path}: ${regions.length} regions, ${areaBytes} bytes of trampolines`;
  return [head, ...regions.flatMap(showRegion)];
}

function showRegion({ region, shape, offset }: PlannedRegion): string[] {
  const where = region.code.name === "" ? "" : ` in ${region.code.name}`;
  const host = region.island?.host ? " in a host" : "";
  const island = region.island ? ` at ${hex(region.island.address)}${host}` : "";
  const head = `  ${hex(region.start)}-${hex(region.end)} ${region.technique}${island}${where}, trampoline +${hex(offset)}`;
  const body = shape.displaced.flatMap(({ insn, bytes }) => [
    ...shape.calls.filter((call) => call.address === insn.address).map(showCall),
    `    ${hex(insn.address)} ${showInsn(bytes, insn.address)}`,
  ]);
  return [head, ...body];
}

function showCall(call: ProbeCall): string {
  const notes = [`flags ${call.flags}`];
  if (call.floats) notes.push("floats");
  if (call.onlyTaken) notes.push("only if taken");
  if (call.onlyReturned) notes.push("only if returned to");
  const { action, probes } = call;
  const what = action === "run" ? "probe" : action;
  const whose = action === "settle in caller" ? "" : ` ${probes.join(", ")}`;
  return `    ${what}${whose} (${notes.join(", ")})`;
}

function showRefused({ path, site, address, reason, nearest }: RefusedSite): string {
  const hint = nearest === null ? "" : `; ${hex(nearest)} can be probed`;
  return `refused ${path} ${site.symbol} ${hex(address)}, probe ${site.probe}: ${reason}${hint}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
