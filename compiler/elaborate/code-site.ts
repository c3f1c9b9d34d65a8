/** A place in the code of a module as a Site. */
import type { BundleSite } from "../../wasm-runtime/bundle.js";
import type { ProbePoint } from "../syntax/ast.js";
import { type ProcessModule, processCondition } from "./process-path.js";
import type { Site, TargetScope } from "./site.js";

/** What is known of a place in code. */
export interface CodePlace {
  readonly where: ProcessModule;
  /** The point resolved, for pp(). */
  readonly point: ProbePoint;
  /** The point resolved as listings show it, if that is another one. */
  readonly listed?: ProbePoint;
  /** ELF address: the instruction; of a return probe the start of the function. */
  readonly address: number;
  /** Bytes of the function if `address` is its start, else 0. */
  readonly size: number;
  /** Name for messages. */
  readonly symbol: string;
  readonly isReturn: boolean;
  readonly targets: TargetScope;
  /** Of a return probe: where the function is probed at its entry. */
  readonly entry?: Pick<CodePlace, "address" | "targets">;
  /** Source text of a condition on the hit, over `targets`. */
  readonly condition?: string | null;
}

/** The Site of `place`. */
export function codeSite(place: CodePlace): Site {
  const { where, point, listed, isReturn, targets, entry } = place;
  const conditions = [processCondition(where), place.condition].filter((each) => each != null);
  const site: Site = {
    point,
    listed: listed ?? point,
    type: isReturn ? "uretprobe" : "uprobe",
    isReturn,
    condition: conditions.length === 0 ? null : conditions.join(" && "),
    targets,
    place: bundleSite(place, isReturn ? "exits" : "instruction"),
  };
  if (entry === undefined) return site;
  const size = entry.address === place.address ? place.size : 0;
  const start = bundleSite({ ...place, address: entry.address, size }, "instruction");
  return { ...site, entry: { place: start, targets: entry.targets } };
}

function bundleSite(
  { where, address, size, symbol }: CodePlace,
  place: "exits" | "instruction",
): BundleSite {
  const { module, pid } = where;
  return {
    kind: "site",
    module: module.path,
    buildId: module.image.buildId,
    address,
    place,
    size,
    symbol,
    semaphore: 0,
    pid,
  };
}
