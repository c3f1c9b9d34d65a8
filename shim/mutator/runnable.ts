/** A bundle that is ready to run: its description and its machine code with the library's. */
import { TargetError } from "../../base/target-error.js";
import type { CodeImage } from "../../wasm-runtime/aot/compile.js";
import type { BundleMeta, BundlePoint } from "../../wasm-runtime/bundle.js";

/** What a session runs. */
export interface RunnableBundle {
  readonly meta: BundleMeta;
  /** Bundle and library in one image; it runs at any address. */
  readonly code: CodeImage;
}

/** Loop iterations and calls that one handler may take in a traced process: tens of milliseconds. */
const FUEL = 10_000_000;
/** The same for one statement, which may work on whole strings, where MAXACTION allows many. */
const FUEL_PER_ACTION = 1000;
/** The same where it does not hold up a traced process, or was asked for: tens of seconds. */
const PATIENT_FUEL = 10_000_000_000;

/** Points with handlers that run in the mutator while the thread that they are about waits. */
const HOLDING: ReadonlySet<BundlePoint["kind"]> = new Set([
  "process",
  "syscall",
  "watch",
  "perf",
  "profile",
]);

/** Budget of one handler (VmContext.fuel); all that run in the mutator have the same one. */
export function fuelOf(meta: BundleMeta, inMutator: boolean): number {
  const { maxAction } = meta.session;
  const holdsUp = !inMutator || meta.probes.some(({ point }) => HOLDING.has(point.kind));
  if (!holdsUp || maxAction === null) return PATIENT_FUEL;
  return Math.min(Math.max(FUEL, maxAction * FUEL_PER_ACTION), PATIENT_FUEL);
}

/** Offset in the image of the inner entry of an exported function. Throws TargetError if it has none. */
export function entryOffset({ code }: RunnableBundle, name: string): number {
  const offset = code.innerEntries.get(name);
  if (offset !== undefined) return offset;
  throw new TargetError(`the bundle has no function '${name}'`, {
    operation: "load bundle",
    subject: name,
  });
}

/** Offset of the library's `recover`, run after a trap. */
export function recoverOffset(bundle: RunnableBundle): number {
  return entryOffset(bundle, "recover");
}
