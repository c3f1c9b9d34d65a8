/**
 * process.data(ADDRESS) and process.data("SYMBOL") .write and .rw: hardware watchpoints in the
 * target (language.md §14.2). An x86-64 processor watches 1, 2, 4 or 8 bytes at an address that is
 * a multiple of their number (Intel SDM vol. 3 §17.2.5); what else is asked for is widened to that.
 */
import type { ProbePoint } from "../syntax/ast.js";
import { findComponent, hasComponent, numberArgument, stringArgument } from "./point.js";
import { ResolutionError } from "./report.js";
import { NO_TARGETS } from "./session-points.js";
import type { FamilyContext, FamilyTable, Site } from "./site.js";

/** The families of watched data. */
export const DATA_FAMILIES: FamilyTable = ["number", "string"].flatMap((argument) =>
  ["", ".length(number)"].flatMap((length) =>
    ["write", "rw"].map((access): FamilyTable[number] => [
      `process.data(${argument})${length}.${access}`,
      dataSites,
    ]),
  ),
);

const MAX_BYTES = 8n;

function dataSites(point: ProbePoint, context: FamilyContext): Site[] {
  const length = numberArgument(point, "length");
  if (length !== null && (length < 1n || length > MAX_BYTES)) {
    const message = `cannot watch ${length} bytes (1 to ${MAX_BYTES} are possible)`;
    throw new ResolutionError("watch-length", message, findComponent(point, "length"));
  }
  const bytes = length === null ? null : roundUp(Number(length));
  if (length !== null && Number(length) !== bytes) {
    context.report.warn({
      code: "watch-length-rounded",
      message: `${length} bytes cannot be watched; ${bytes} are`,
      node: findComponent(point, "length"),
    });
  }
  const access = hasComponent(point, "rw") ? "read and write" : "write";
  const address = BigInt.asUintN(64, numberArgument(point, "data") ?? 0n);
  return [
    {
      point,
      type: "hardware_data_breakpoint",
      place: {
        kind: "watch",
        symbol: stringArgument(point, "data"),
        address: Number(address),
        bytes,
        access,
      },
      isReturn: false,
      targets: NO_TARGETS,
      condition: null,
    },
  ];
}

function roundUp(length: number): number {
  return 2 ** Math.ceil(Math.log2(length));
}
