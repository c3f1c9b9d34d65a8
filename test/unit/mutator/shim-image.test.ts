import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TargetError } from "../../../base/target-error.js";
import {
  fillParams,
  loadShim,
  type ShimDescription,
  type ShimParams,
} from "../../../shim/mutator/shim-image.js";
import { HOST_FUNCTIONS } from "../../../wasm-runtime/layout/host.js";
import { PARAMS } from "../../../wasm-runtime/layout/private.js";
import { ABI_VERSION } from "../../../wasm-runtime/layout/shared.js";

const directory = mkdtempSync(join(tmpdir(), "wastap-image-"));
const s = suite("mutator/shim-image");
s.after(() => rmSync(directory, { recursive: true, force: true }));

const bytes = new Uint8Array(PARAMS.bytes + 64).fill(0x90, PARAMS.bytes);
const good: ShimDescription = {
  abi: ABI_VERSION,
  size: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
  enter: PARAMS.bytes,
  run: PARAMS.bytes + 16,
  librariesChanged: PARAMS.bytes + 32,
  deferReturn: PARAMS.bytes + 48,
  settleReturns: PARAMS.bytes + 64,
  settleInCaller: PARAMS.bytes + 80,
  hosts: HOST_FUNCTIONS.map((_, i) => PARAMS.bytes + i),
  copyStart: PARAMS.bytes + 20,
  copyEnd: PARAMS.bytes + 30,
  copyFixup: PARAMS.bytes + 30,
  frames: PARAMS.bytes + 40,
  framesEnd: PARAMS.bytes + 50,
};

function put(description: ShimDescription): void {
  writeFileSync(join(directory, "shim.bin"), bytes);
  writeFileSync(join(directory, "shim.json"), JSON.stringify(description));
}

const params: ShimParams = {
  control: 0x7f0000001000,
  memoryBase: 0x7f0000011000,
  memorySize: 1 << 20,
  privateBase: 0x7e0000000000,
  contextBase: 4096,
  contextStride: 8192,
  slotCount: 512,
  guard: 1234,
  tidOffset: -1,
  vdsoClock: 0,
  recover: 0x7d0000000000,
  fuel: 1_000_000,
  capabilities: 31,
  inMutator: false,
  mutatorPid: 99,
  noSystemCalls: true,
  instance: 0,
  modules: 0,
  modulesBytes: 0,
  target: 0,
  argumentsStart: 0,
  argumentsEnd: 0,
  environmentStart: 0,
  environmentEnd: 0,
};

s("fills every parameter in", () => {
  put(good);
  const image = loadShim(directory);
  const view = new DataView(fillParams(image, 0x7c0000000000, params).buffer);
  assert.is(view.getBigUint64(PARAMS.control, true), 0x7f0000001000n);
  assert.is(view.getBigInt64(PARAMS.tidOffset, true), -1n);
  assert.is(view.getBigInt64(PARAMS.fuel, true), 1_000_000n);
  assert.is(view.getUint32(PARAMS.guard, true), 1234);
  assert.is(view.getUint32(PARAMS.noSystemCalls, true), 1);
  assert.is(view.getUint32(PARAMS.inMutator, true), 0);
  assert.is(view.getBigUint64(PARAMS.hosts + 8, true), 0x7c0000000000n + BigInt(PARAMS.bytes) + 1n);
  assert.is(view.getUint8(PARAMS.bytes), 0x90);
  assert.is(image.bytes[PARAMS.guard], 0, "the loaded image stays as it was");
});

s("refuses an image that was changed", () => {
  put({ ...good, sha256: "00" });
  assert.throws(
    () => loadShim(directory),
    (error: unknown) => isDamage(error, /does not match/),
  );
});

s("refuses an image of another ABI", () => {
  put({ ...good, abi: ABI_VERSION + 1 });
  assert.throws(
    () => loadShim(directory),
    (error: unknown) => isDamage(error, /ABI/),
  );
});

s("says so when the image is missing", () => {
  assert.throws(
    () => loadShim(join(directory, "none")),
    (error: unknown) => isDamage(error, /cannot read/),
  );
});

function isDamage(error: unknown, text: RegExp): boolean {
  return error instanceof TargetError && text.test(error.message);
}

s.run();
