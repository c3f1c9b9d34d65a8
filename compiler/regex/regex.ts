/**
 * Regular expressions of `=~` and `!~`, compiled to tables:
 *
 *   text ─ parse ─► tree ─ compileProgram ─► program ─ buildSearch, buildTagged ─► automata ─ encode
 *
 * Whether a string matches takes one automaton. Captures take two: one reads the string backwards
 * and finds where the leftmost match starts, one follows the match and notes where groups are. All
 * of them look at each byte once.
 */
import { encodeCapture, encodeSearch } from "./encode.js";
import { parseRegex } from "./parse.js";
import { compileProgram } from "./program.js";
import { buildSearch } from "./search.js";
import { buildTagged } from "./tagged.js";

/** Tables of a regular expression. */
export interface RegexTables {
  /** A REGEX_SEARCH: forwards and up to the first match, or with captures backwards. */
  readonly search: Uint8Array;
  /** A REGEX_CAPTURE, null without captures. */
  readonly capture: Uint8Array | null;
  /** Registers that the captures need. */
  readonly registers: number;
}

/** Tables for `text`, a literal with its escapes; throws RegexError. */
export function compileRegex(text: string, withCaptures: boolean): RegexTables {
  const regex = parseRegex(text);
  const forwards = compileProgram(regex, "forwards");
  if (!withCaptures) {
    const search = encodeSearch(buildSearch(forwards, "forwards", true));
    return { search, capture: null, registers: 0 };
  }
  const backwards = compileProgram(regex, "backwards");
  const tagged = buildTagged(forwards);
  return {
    search: encodeSearch(buildSearch(backwards, "backwards", false)),
    capture: encodeCapture(tagged),
    registers: tagged.registers,
  };
}
