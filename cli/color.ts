/** Colours of messages on standard error. */
import type { Options } from "./options.js";

/** --color decides; `auto` looks at NO_COLOR, TERM and whether standard error is a terminal. */
export function useColor(when: Options["color"]): boolean {
  if (when !== "auto") return when === "always";
  const { NO_COLOR, TERM, SYSTEMTAP_COLORS } = process.env;
  if (NO_COLOR !== undefined || SYSTEMTAP_COLORS === "") return false;
  return TERM !== "dumb" && process.stderr.isTTY === true;
}

/** What has a colour of its own; names and defaults of $SYSTEMTAP_COLORS (stap(1)). */
const DEFAULTS = {
  error: "01;31",
  warning: "00;33",
  source: "00;34",
  caret: "01",
  token: "01",
} as const;

/** A part of a message. */
export type ColoredPart = keyof typeof DEFAULTS;

/** Graphic renditions (ECMA-48 SGR) by part, from `part=numbers:…`; a malformed text is ignored. */
export function readColors(text: string | undefined): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>(Object.entries(DEFAULTS));
  if (text === undefined || text === "") return defaults;
  const given = text.split(":").map((pair) => /^(\w+)=([\d;]*)$/.exec(pair));
  if (given.some((match) => match === null || !defaults.has(match[1] ?? ""))) return defaults;
  for (const match of given) defaults.set(match?.[1] ?? "", match?.[2] ?? "");
  return defaults;
}
