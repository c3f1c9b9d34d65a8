/** What a run says of probes that are not in some process, or in none at all. */
import type { Session } from "../shim/mutator/session.js";
import type { BundlePoint, BundleProbe } from "../wasm-runtime/bundle.js";
import type { Messages } from "./messages.js";

/** How many places of one module are named that cannot be probed for one reason. */
const MOST_NAMED = 8;

type Unpatched = Session["unpatched"][number];

/** What is said of a run's places that cannot be probed. */
export interface UnpatchedReport {
  /** Says of each place, once, why it cannot; of many with one reason how many they are. */
  update(): void;
}

/** A report of `session`; `isVerbose`: every place is named. */
export function reportUnpatched(
  session: Session,
  messages: Messages,
  isVerbose: boolean,
): UnpatchedReport {
  const said = new Set<string>();
  return {
    update() {
      const groups = new Map<string, Unpatched[]>();
      for (const place of session.unpatched) {
        const text = describe(place);
        if (said.has(text)) continue;
        said.add(text);
        const key = `${place.module}: ${place.reason}`;
        const group = groups.get(key) ?? [];
        group.push(place);
        groups.set(key, group);
      }
      for (const group of groups.values()) {
        const named = isVerbose || group.length <= MOST_NAMED ? group.length : MOST_NAMED - 1;
        for (const place of group.slice(0, named)) messages.warning(describe(place));
        const [first] = group.slice(named);
        if (first === undefined) continue;
        const count = group.length - named;
        messages.warning(
          `${first.module}: ${count} more places cannot be probed: ${first.reason} (-v names them)`,
        );
      }
    },
  };
}

function describe({ module, symbol, address, reason, nearest }: Unpatched): string {
  const place = `${module}: ${symbol} at 0x${address.toString(16)}`;
  const hint = nearest === null ? "" : `; 0x${nearest.toString(16)} would do`;
  return `${place} cannot be probed: ${reason}${hint}`;
}

/** Says which probes were in no process at all, because their module was never loaded. */
export function reportUnarmed(
  session: Session,
  probes: readonly BundleProbe[],
  messages: Messages,
): void {
  const unpatched = new Set(session.unpatched.map(({ probe }) => probe));
  const byReason = new Map<string, string[]>();
  for (const [index, { name, point }] of probes.entries()) {
    const reason = whyUnarmed(point, session.found.has(index));
    if (reason === null || session.armed.has(index) || unpatched.has(index)) continue;
    const names = byReason.get(reason) ?? [];
    names.push(name);
    byReason.set(reason, names);
  }
  for (const [reason, [first, ...others]] of byReason) {
    const which =
      others.length === 0 ? `${first} was` : `${first} and ${others.length} others were`;
    messages.warning(`${which} never armed: ${reason}`);
  }
}

function whyUnarmed(point: BundlePoint, isFound: boolean): string | null {
  if (point.kind === "site") {
    return isFound
      ? `what had loaded "${point.module}" ended before it was probed`
      : `no process loaded "${point.module}"`;
  }
  return point.kind === "watch" ? `no process has data called "${point.symbol}"` : null;
}
