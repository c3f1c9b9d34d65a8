/**
 * Code of ours in a process, for handlers that look at where a thread was: what the module area
 * (modules.ts) says of it. Frames of it are left out of call chains.
 */
import { createHash } from "node:crypto";
import type { Injection, SessionImage } from "./inject.js";
import type { TrampolineArea } from "./plan.js";
import { buildOwnTable, buildTrampolineTable } from "./tables/own-tables.js";
import { needsTables } from "./tables/tables.js";

/** Code of ours; addresses in the process, end not included. */
export interface OwnModule {
  readonly start: number;
  readonly end: number;
  /** The same for equal tables. */
  readonly key: string;
  /** UNWIND. */
  readonly table: Uint8Array;
}

/** Whether handlers look at where threads were. */
export function describesOwnCode({ bundle }: SessionImage): boolean {
  return needsTables(bundle.meta);
}

/** The shim and the handlers. */
export function injectedModule({ shim }: SessionImage, injection: Injection): OwnModule {
  const { image, handlers, code } = injection;
  const { frames: address, framesEnd } = shim;
  const table = buildOwnTable({
    frames: { bytes: shim.bytes.subarray(address, framesEnd), address, kind: "eh_frame" },
    handlers: handlers - image,
    end: code.address + code.bytes - image,
    privateBase: injection.private.address,
  });
  return ownModule(image, code.address + code.bytes, table);
}

/** Trampolines of a module. */
export function trampolineModule({ address, bytes, moved }: TrampolineArea): OwnModule {
  return ownModule(address, address + bytes.length, buildTrampolineTable(address, moved));
}

function ownModule(start: number, end: number, table: Uint8Array): OwnModule {
  return { start, end, key: createHash("sha256").update(table).digest("hex"), table };
}
