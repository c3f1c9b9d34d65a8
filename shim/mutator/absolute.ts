/**
 * process(PID).statement(ADDRESS).absolute: addresses of a process as places in its modules, which
 * is what patches are planned for. Code that lies in no file cannot be probed.
 */
import type { BundlePoint, BundleSite } from "../../wasm-runtime/bundle.js";
import { rangeAt } from "./functions.js";
import { moduleCode } from "./module-code.js";
import type { Module } from "./process.js";

type AbsolutePoint = Extract<BundlePoint, { kind: "absolute" }>;

/** Where `point` is among the modules of its process; a module of no name if in none. */
export function absoluteSite(point: AbsolutePoint, modules: readonly Module[]): BundleSite {
  const { address, place, pid } = point;
  const module = modules.find(({ file }) =>
    file.mappings.some((m) => m.executable && address >= m.start && address < m.end),
  );
  const common = { kind: "site", place, symbol: "code", semaphore: 0, pid } as const;
  if (module === undefined) {
    const path = `what lies at 0x${address.toString(16)}`;
    return { ...common, module: path, buildId: null, address, size: 0 };
  }
  const { path, image, loadBias } = module;
  const at = address - loadBias;
  const size = rangeAt(moduleCode(image, path, loadBias), at)?.size ?? 0;
  return { ...common, module: path, buildId: image.buildId, address: at, size };
}
