/** begin, end, error, never and timers (language.md §14.1). */
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { numberArgument } from "./point.js";
import { ResolutionError } from "./report.js";
import type { FamilyTable, Site, TargetScope } from "./site.js";

const MINIMUM_NS = 100_000n;
const MAXIMUM_NS = 86_400_000_000_000n;
const SECOND_NS = 1_000_000_000n;
/** CONFIG_HZ=250, what Debian's kernels use. */
const JIFFY_NS = 4_000_000n;
const MAX_JIFFIES = 1_000_000n;

const UNITS: { readonly [name: string]: bigint } = {
  s: SECOND_NS,
  sec: SECOND_NS,
  ms: 1_000_000n,
  msec: 1_000_000n,
  us: 1_000n,
  usec: 1_000n,
  ns: 1n,
  nsec: 1n,
};

/** Scope of probes without variables. */
export const NO_TARGETS: TargetScope = {
  resolve(symbol: TargetSymbol): never {
    if (symbol.atVar) throw unresolvedVar(symbol);
    throw new ResolutionError("unresolved-target", "unresolved target-symbol expression", symbol);
  },
};

/** The error of an @var where no program is known that could have it. */
export function unresolvedVar(symbol: TargetSymbol): ResolutionError {
  return new ResolutionError("unresolved-target", "unresolved @var() expression", symbol);
}

/** The session families. */
export const SESSION_FAMILIES: FamilyTable = [
  ["begin", (point) => [orderedSite(point, "begin")]],
  ["begin(number)", (point) => [orderedSite(point, "begin")]],
  ["end", (point) => [orderedSite(point, "end")]],
  ["end(number)", (point) => [orderedSite(point, "end")]],
  ["error", (point) => [orderedSite(point, "error")]],
  ["error(number)", (point) => [orderedSite(point, "error")]],
  ["never", (point) => [site(point, "never", { kind: "never" })]],
  ...Object.keys(UNITS).flatMap(
    (unit): FamilyTable => [
      [`timer.${unit}(number)`, (point) => [timerSite(point, unit)]],
      [`timer.${unit}(number).randomize(number)`, (point) => [timerSite(point, unit)]],
    ],
  ),
  ["timer.hz(number)", (point) => [hertzSite(point)]],
  ["timer.jiffies(number)", (point) => [jiffiesSite(point)]],
  ["timer.jiffies(number).randomize(number)", (point) => [jiffiesSite(point)]],
];

function site(point: ProbePoint, type: string, place: Site["place"]): Site {
  return { point, type, place, isReturn: false, targets: NO_TARGETS, condition: null };
}

function orderedSite(point: ProbePoint, kind: "begin" | "end" | "error"): Site {
  const order = numberArgument(point, kind) ?? 0n;
  return site(point, "begin_end", { kind, order: Number(order) });
}

function timerSite(point: ProbePoint, unit: string): Site {
  const scale = UNITS[unit] ?? 1n;
  const interval = (numberArgument(point, unit) ?? 0n) * scale;
  const randomize = (numberArgument(point, "randomize") ?? 0n) * scale;
  if (interval < MINIMUM_NS || interval > MAXIMUM_NS) {
    const least = scale < MINIMUM_NS ? MINIMUM_NS / scale : 1n;
    throw new ResolutionError(
      "timer-range",
      `interval value out of range (${least}, ${MAXIMUM_NS / scale})`,
    );
  }
  if (randomize < 0n || randomize > interval) {
    throw new ResolutionError("timer-range", "randomization value out of range");
  }
  return timer(point, "hrtimer", interval, randomize);
}

function hertzSite(point: ProbePoint): Site {
  const frequency = numberArgument(point, "hz") ?? 0n;
  if (frequency < 1n) {
    throw new ResolutionError("timer-range", "frequency must be greater than 0");
  }
  const interval = SECOND_NS / frequency;
  if (interval < MINIMUM_NS) {
    const message = `interval value out of range (${MINIMUM_NS}, ${MAXIMUM_NS})`;
    throw new ResolutionError("timer-range", message);
  }
  return timer(point, "hrtimer", interval, 0n);
}

function jiffiesSite(point: ProbePoint): Site {
  const jiffies = numberArgument(point, "jiffies") ?? 0n;
  const randomize = numberArgument(point, "randomize") ?? 0n;
  if (jiffies < 1n || jiffies > MAX_JIFFIES) {
    throw new ResolutionError("timer-range", "invalid interval for jiffies timer");
  }
  if (randomize < 0n || randomize > jiffies) {
    throw new ResolutionError("timer-range", "invalid randomize for jiffies timer");
  }
  return timer(point, "timer", jiffies * JIFFY_NS, randomize * JIFFY_NS);
}

function timer(point: ProbePoint, type: string, interval: bigint, randomize: bigint): Site {
  return site(point, type, {
    kind: "timer",
    intervalNs: Number(interval),
    randomizeNs: Number(randomize),
  });
}
