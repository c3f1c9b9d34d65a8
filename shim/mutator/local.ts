/**
 * Runs handlers in this process, on the session's shared memory: init, begin, end, error, timers.
 *
 * The same shim image and handlers as in traced processes, with PARAMS.inMutator set: a probe
 * register reads as 0, process memory is out of reach but for what this process was started with.
 */
import { callHandler, mapMemory } from "../../wasm-runtime/aot/native.js";
import { PRIVATE } from "../../wasm-runtime/layout/private.js";
import { CONTROL } from "../../wasm-runtime/layout/shared.js";
import { codeSize, commonParams, handlersAt, placeCode, type SessionImage } from "./inject.js";
import type { LocalModules } from "./local-modules.js";
import { readStartArea, vdsoSymbol } from "./process.js";
import { reserveCode, writeCode } from "./ptrace.js";
import { entryOffset, fuelOf } from "./runnable.js";
import { type Subject, writeSubject } from "./subject.js";
import { seenFrom } from "./target-id.js";

/** Handlers that can be called here. */
export interface LocalEngine {
  /**
   * Runs an exported function ("init" or a handler) as probe `index`, about `subject` or else about
   * this process; gives the trap reason.
   */
  run(name: string, index: number, subject?: Subject | null): number;
  /** Runs the start functions of the modules; gives the first trap reason, 0 = none. */
  start(): number;
}

/** Maps the code into this process; `modules` are those of the subjects. */
export function startLocal(image: SessionImage, modules: LocalModules): LocalEngine {
  const { bundle, shim, shared } = image;
  const address = reserveCode(codeSize(image));
  const bytes = PRIVATE.stackBytes + PRIVATE.stateBytes + bundle.code.instanceBytes;
  const area = mapMemory(bytes);
  const state = new Uint8Array(area.buffer, PRIVATE.stackBytes, PRIVATE.stateBytes);
  const instance = PRIVATE.stackBytes + PRIVATE.stateBytes;
  new Uint8Array(area.buffer).set(bundle.code.initialInstance, instance);
  const privateBase = Number(area.address);
  const params = {
    ...commonParams(image, address),
    ...readStartArea(process.pid),
    control: shared.address,
    memoryBase: shared.address + CONTROL.bytes,
    privateBase,
    tidOffset: -1,
    vdsoClock: vdsoSymbol(process.pid, "__vdso_clock_gettime"),
    inMutator: true,
    fuel: fuelOf(bundle.meta, true),
    noSystemCalls: false,
    instance: bundle.code.instanceBytes === 0 ? 0 : privateBase + instance,
    modules: 0,
    modulesBytes: 0,
    target: 0,
  };
  writeCode(address, placeCode(image, address, params));
  const run = BigInt(address + shim.run);
  const handlers = handlersAt(image, address);
  // wt_run(entry, probe) has the same parameters and result as a thunk: 64 bits, 32 bits → 32 bits.
  const call = (offset: number, index: number): number =>
    callHandler(run, BigInt(handlers + offset), index);
  return {
    run: (name, index, subject = null) => {
      const pid = subject?.process ?? 0;
      writeSubject(state, subject, {
        modules: modules.addressOf(pid),
        target: subject?.isNested === true ? seenFrom(pid, image.target) : 0,
      });
      return call(entryOffset(bundle, name), index);
    },
    start: () => bundle.code.starts.reduce((trap, offset) => trap || call(offset, 0), 0),
  };
}
