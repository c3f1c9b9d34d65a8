/**
 * The tables that handlers need of a module, each made once per file and kept as long as this
 * process runs. Which ones follows from what the bundle may ask for.
 */
import type { ElfImage } from "../../../base/elf/image.js";
import type { BundleMeta } from "../../../wasm-runtime/bundle.js";
import { MODULE } from "../../../wasm-runtime/layout/modules.js";
import type { CAPABILITY } from "../../../wasm-runtime/layout/private.js";
import type { DebugSource } from "./debug-source.js";
import { buildLineTable } from "./line-table.js";
import { buildSymbolTable } from "./symbol-table.js";
import { buildUnwindTable } from "./unwind-table.js";

/** A table, and the field of MODULE that leads to it. */
export interface ModuleTable {
  readonly field: number;
  readonly bytes: Uint8Array;
}

/** A module as its tables see it. */
export interface TabledModule {
  readonly image: ElfImage;
  readonly path: string;
  /** Path by which the file can be opened here, null if it cannot. */
  readonly openPath: string | null;
  readonly start: number;
  readonly loadBias: number;
}

interface TableKind {
  readonly capability: keyof typeof CAPABILITY;
  readonly field: number;
  /** `low` is the ELF address that belongs to MODULE.start. */
  build(module: TabledModule, low: number, source: DebugSource): Uint8Array | null;
  readonly known: WeakMap<ElfImage, Uint8Array | null>;
}

const KINDS: readonly TableKind[] = [
  {
    capability: "unwind",
    field: MODULE.unwind,
    build: ({ image }, low) => buildUnwindTable(image, low),
    known: new WeakMap(),
  },
  {
    capability: "modules",
    field: MODULE.path,
    build: ({ path, image }) => Buffer.from(`${path}\0${image.buildId ?? ""}\0`),
    known: new WeakMap(),
  },
  {
    capability: "symbols",
    field: MODULE.symbols,
    build: ({ image, openPath }, low, source) =>
      buildSymbolTable(image, low, () => (openPath === null ? [] : source.symbols(openPath))),
    known: new WeakMap(),
  },
  {
    capability: "lines",
    field: MODULE.lines,
    build: ({ image, openPath }, low, source) =>
      openPath === null ? null : buildLineTable(image, low, source.lines(openPath)),
    known: new WeakMap(),
  },
];

/** Whether handlers of a bundle need tables of modules. */
export function needsTables({ capabilities }: BundleMeta): boolean {
  return KINDS.some(({ capability }) => capabilities.includes(capability));
}

/** Whether a bundle needs what only `DebugSource` can tell. */
export function needsDebugSource({ capabilities, probes }: BundleMeta): boolean {
  return (
    capabilities.includes("symbols") ||
    capabilities.includes("lines") ||
    probes.some(({ point }) => point.kind === "watch" && point.symbol !== null)
  );
}

/** Tables of `module` that handlers of a bundle need. */
export function tablesOf(
  module: TabledModule,
  { capabilities }: BundleMeta,
  source: DebugSource,
): ModuleTable[] {
  return KINDS.filter(({ capability }) => capabilities.includes(capability)).flatMap(
    ({ field, known, build }) => {
      let bytes = known.get(module.image);
      if (bytes === undefined) bytes = build(module, module.start - module.loadBias, source);
      known.set(module.image, bytes);
      return bytes === null ? [] : [{ field, bytes }];
    },
  );
}
