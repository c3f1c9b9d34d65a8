/**
 * Builds the injected shim: compiles shim/inject, links it flat at address 0 (shim.ld) and writes
 * prebuilds/linux-x64/shim.bin with shim.json, which says where its entries are (ShimImage).
 *
 * The image must run at any address, so objects may hold only rip-relative relocations.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { assert, bug } from "../base/assert.js";
import { PACKAGE_ROOT, PREBUILDS } from "../base/root.js";
import type { ShimDescription } from "../shim/mutator/shim-image.js";
import { HOST_FUNCTIONS } from "../wasm-runtime/layout/host.js";
import { ABI_VERSION } from "../wasm-runtime/layout/shared.js";

const SOURCE = join(PACKAGE_ROOT, "shim", "inject");
const FLAGS =
  "-std=c11 -Wall -Wextra -Werror -Wshadow -Wconversion -Wvla -ffreestanding -fno-builtin " +
  "-fno-stack-protector -mgeneral-regs-only -fvisibility=hidden -fpie -nostdlib -O2 " +
  "-fcf-protection=none -fasynchronous-unwind-tables -fno-tree-loop-distribute-patterns";

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8" });
}

function sources(): string[] {
  const names = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.[cS]$/.test(name)).sort();
}

function compile(work: string): string[] {
  return sources().map((name) => {
    const object = join(work, `${basename(name)}.o`);
    run("gcc", [...FLAGS.split(" "), `-I${SOURCE}`, "-c", join(SOURCE, name), "-o", object]);
    const kinds = run("readelf", ["-rW", object]).match(/R_X86_64_\w+/g) ?? [];
    const bad = kinds.find((kind) => kind !== "R_X86_64_PC32" && kind !== "R_X86_64_PLT32");
    assert(bad === undefined, `${name} is not position-independent: ${bad}`);
    return object;
  });
}

/** Name → offset of every symbol of the linked image. */
function symbols(linked: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of run("nm", [linked]).split("\n")) {
    const [value, , name] = line.split(" ");
    if (value !== undefined && name !== undefined) found.set(name, Number.parseInt(value, 16));
  }
  return found;
}

function describe(image: Uint8Array, offsets: ReadonlyMap<string, number>): ShimDescription {
  const at = (name: string): number => offsets.get(name) ?? bug(`the shim lacks ${name}`);
  return {
    abi: ABI_VERSION,
    size: image.length,
    sha256: createHash("sha256").update(image).digest("hex"),
    enter: at("wt_enter"),
    run: at("wt_run"),
    librariesChanged: at("wt_libraries_changed"),
    deferReturn: at("wt_defer_return"),
    settleReturns: at("wt_settle_returns"),
    settleInCaller: at("wt_settle_in_caller"),
    hosts: HOST_FUNCTIONS.map((name) => at(`wt_host_${name}`)),
    copyStart: at("wt_copy_start"),
    copyEnd: at("wt_copy_end"),
    copyFixup: at("wt_copy_fixup"),
    frames: at("wt_frames"),
    framesEnd: at("wt_frames_end"),
  };
}

function build(work: string): void {
  const linked = join(work, "shim.elf");
  const flat = join(work, "shim.bin");
  run("ld", ["-T", join(SOURCE, "shim.ld"), ...compile(work), "-o", linked]);
  assert(run("nm", ["-u", linked]).trim() === "", "the shim refers to undefined symbols");
  run("objcopy", ["-O", "binary", linked, flat]);
  const image = readFileSync(flat);
  mkdirSync(PREBUILDS, { recursive: true });
  writeFileSync(join(PREBUILDS, "shim.bin"), image);
  const text = JSON.stringify(describe(image, symbols(linked)), null, 2);
  writeFileSync(join(PREBUILDS, "shim.json"), `${text}\n`);
}

const work = mkdtempSync(join(tmpdir(), "wastap-shim-"));
try {
  build(work);
} finally {
  rmSync(work, { recursive: true, force: true });
}
