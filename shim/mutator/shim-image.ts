/**
 * The prebuilt shim: a flat image that starts with its parameter page (PARAMS), and the offsets of
 * its entries. Loads and checks it, and fills the parameters in for one process.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../../base/assert.js";
import { PREBUILDS } from "../../base/root.js";
import { TargetError } from "../../base/target-error.js";
import { HOST_FUNCTIONS } from "../../wasm-runtime/layout/host.js";
import { PARAMS, PRIVATE } from "../../wasm-runtime/layout/private.js";
import { ABI_VERSION } from "../../wasm-runtime/layout/shared.js";

/** Content of shim.json; all places are offsets from the start of the image. */
export interface ShimDescription {
  readonly abi: number;
  readonly size: number;
  /** Of shim.bin, in hex. */
  readonly sha256: string;
  /** `void wt_enter(struct wt_frame *, struct wt_site *)`: what trampolines call. */
  readonly enter: number;
  /** `uint32_t wt_run(uint64_t entry, uint32_t probe)`: runs a handler in the mutator. */
  readonly run: number;
  /** Entry thunk of the handler where the dynamic loader says that libraries have changed. */
  readonly librariesChanged: number;
  /** Entry thunks of the handlers at tail jumps, at returns of what these lead to, and behind calls. */
  readonly deferReturn: number;
  readonly settleReturns: number;
  readonly settleInCaller: number;
  /** In the order of HOST_FUNCTIONS. */
  readonly hosts: readonly number[];
  /** A fault with rip in [copyStart, copyEnd) is continued at copyFixup. */
  readonly copyStart: number;
  readonly copyEnd: number;
  readonly copyFixup: number;
  /** Call frame information (.eh_frame) of the code. */
  readonly frames: number;
  readonly framesEnd: number;
}

/** The image with zero parameters. */
export interface ShimImage extends ShimDescription {
  readonly bytes: Uint8Array;
}

/** Values of PARAMS, but for `hosts`, which follow from where the image is put. */
export interface ShimParams {
  /** Addresses in the process that runs the image. */
  readonly control: number;
  readonly memoryBase: number;
  readonly memorySize: number;
  readonly privateBase: number;
  /** From BundleMeta.memory. */
  readonly contextBase: number;
  readonly contextStride: number;
  readonly slotCount: number;
  /** Expected guard word; 0 for sessions without a tracer, which never read memory directly. */
  readonly guard: number;
  /** Offset of the thread id from fs base, -1 to ask the kernel. */
  readonly tidOffset: number;
  readonly vdsoClock: number;
  readonly recover: number;
  readonly fuel: number;
  /** Bits of CAPABILITY. */
  readonly capabilities: number;
  readonly inMutator: boolean;
  readonly mutatorPid: number;
  readonly noSystemCalls: boolean;
  readonly instance: number;
  readonly modules: number;
  readonly modulesBytes: number;
  readonly target: number;
  readonly argumentsStart: number;
  readonly argumentsEnd: number;
  readonly environmentStart: number;
  readonly environmentEnd: number;
}

/** Loads shim.bin and shim.json from `directory` (default: the package's prebuilds); throws TargetError. */
export function loadShim(directory: string = PREBUILDS): ShimImage {
  const path = join(directory, "shim.bin");
  const description = readDescription(join(directory, "shim.json"));
  const bytes = readPart(path);
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== description.sha256 || bytes.length !== description.size) {
    throw damaged(path, "it does not match shim.json");
  }
  if (description.abi !== ABI_VERSION || description.hosts.length !== HOST_FUNCTIONS.length) {
    throw damaged(path, `it has ABI ${description.abi}, this is ABI ${ABI_VERSION}`);
  }
  return { ...description, bytes };
}

/** The image as it is to be written at `address`, with `params` filled in. */
export function fillParams(image: ShimImage, address: number, params: ShimParams): Uint8Array {
  const filled = Uint8Array.from(image.bytes);
  const view = new DataView(filled.buffer);
  for (const [field, offset] of WORDS) {
    const value = params[field];
    assert(Number.isSafeInteger(value), `${field} is not an address or a count: ${value}`);
    view.setBigInt64(offset, BigInt(value), true);
  }
  const state = params.privateBase + stackCount(params) * PRIVATE.stackBytes;
  view.setBigUint64(PARAMS.state, BigInt(state), true);
  for (const [field, offset] of HALF_WORDS) view.setUint32(offset, Number(params[field]), true);
  for (const [index, host] of image.hosts.entries()) {
    view.setBigUint64(PARAMS.hosts + 8 * index, BigInt(address + host), true);
  }
  return filled;
}

/** The mutator has one stack, the others one for each slot. */
function stackCount({ inMutator, slotCount }: ShimParams): number {
  return inMutator ? 1 : slotCount;
}

const WORDS = [
  ["control", PARAMS.control],
  ["memoryBase", PARAMS.memoryBase],
  ["memorySize", PARAMS.memorySize],
  ["privateBase", PARAMS.privateBase],
  ["tidOffset", PARAMS.tidOffset],
  ["vdsoClock", PARAMS.vdsoClock],
  ["recover", PARAMS.recover],
  ["fuel", PARAMS.fuel],
  ["instance", PARAMS.instance],
  ["modules", PARAMS.modules],
  ["modulesBytes", PARAMS.modulesBytes],
  ["target", PARAMS.target],
  ["argumentsStart", PARAMS.argumentsStart],
  ["argumentsEnd", PARAMS.argumentsEnd],
  ["environmentStart", PARAMS.environmentStart],
  ["environmentEnd", PARAMS.environmentEnd],
] as const;

const HALF_WORDS = [
  ["contextBase", PARAMS.contextBase],
  ["contextStride", PARAMS.contextStride],
  ["slotCount", PARAMS.slotCount],
  ["guard", PARAMS.guard],
  ["capabilities", PARAMS.capabilities],
  ["inMutator", PARAMS.inMutator],
  ["mutatorPid", PARAMS.mutatorPid],
  ["noSystemCalls", PARAMS.noSystemCalls],
] as const;

function readPart(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TargetError(
      `cannot read '${path}': reinstall the package`,
      { operation: "load shim", subject: path },
      { cause },
    );
  }
}

function readDescription(path: string): ShimDescription {
  try {
    return JSON.parse(new TextDecoder().decode(readPart(path))) as ShimDescription;
  } catch (cause) {
    if (cause instanceof TargetError) throw cause;
    throw new TargetError(
      `'${path}' is damaged: reinstall the package`,
      { operation: "load shim", subject: path },
      { cause },
    );
  }
}

function damaged(path: string, why: string): TargetError {
  return new TargetError(`'${path}' is damaged (${why}): reinstall the package`, {
    operation: "load shim",
    subject: path,
  });
}
