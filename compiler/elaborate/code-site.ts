/** A place in the code of a module as a Site. */
import type { ProbePoint } from "../syntax/ast.js";
import type { ProcessModule } from "./process-path.js";
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
  /** Source text of a condition on the hit, over `targets`. */
  readonly condition?: string | null;
}

/** The Site of `place`. */
export function codeSite(place: CodePlace): Site {
  const { where, point, listed, address, size, symbol, isReturn, targets } = place;
  const { module } = where;
  const conditions = [where.condition, place.condition].filter((each) => each != null);
  return {
    point,
    listed: listed ?? point,
    type: "uprobe",
    isReturn,
    condition: conditions.length === 0 ? null : conditions.join(" && "),
    targets,
    place: {
      kind: "site",
      module: module.path,
      buildId: module.image.buildId,
      address,
      place: isReturn ? "exits" : "instruction",
      size,
      symbol,
      semaphore: 0,
    },
  };
}
