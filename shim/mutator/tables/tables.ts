/**
 * The tables that handlers need of a module, each made once per file and kept as long as this
 * process runs. Which ones follows from what the bundle may ask for.
 */
import type { ElfImage } from "../../../base/elf/image.js";
import type { BundleMeta } from "../../../wasm-runtime/bundle.js";
import { type CAPABILITY, MODULE } from "../../../wasm-runtime/layout.js";
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
  readonly start: number;
  readonly loadBias: number;
}

interface TableKind {
  readonly capability: keyof typeof CAPABILITY;
  readonly field: number;
  /** `low` is the ELF address that belongs to MODULE.start. */
  build(module: TabledModule, low: number): Uint8Array | null;
  readonly known: WeakMap<ElfImage, Uint8Array | null>;
}

const KINDS: readonly TableKind[] = [
  {
    capability: "unwind",
    field: MODULE.unwind,
    build: ({ image }, low) => buildUnwindTable(image, low),
    known: new WeakMap(),
  },
];

/** Whether handlers of a bundle need tables of modules. */
export function needsTables({ capabilities }: BundleMeta): boolean {
  return KINDS.some(({ capability }) => capabilities.includes(capability));
}

/** Tables of `module` that handlers of a bundle need. */
export function tablesOf(module: TabledModule, { capabilities }: BundleMeta): ModuleTable[] {
  return KINDS.filter(({ capability }) => capabilities.includes(capability)).flatMap(
    ({ field, known, build }) => {
      let bytes = known.get(module.image);
      if (bytes === undefined) bytes = build(module, module.start - module.loadBias);
      known.set(module.image, bytes);
      return bytes === null ? [] : [{ field, bytes }];
    },
  );
}
