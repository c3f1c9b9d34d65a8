/** Automata as the tables that the library reads: wasm-runtime/layout/values.ts, REGEX_SEARCH and on. */
import {
  REGEX_CAPTURE,
  REGEX_HERE,
  REGEX_NOWHERE,
  REGEX_SEARCH,
} from "../../wasm-runtime/layout/values.js";
import { tooLarge } from "./limits.js";
import { HERE, type Move, NOWHERE } from "./moves.js";
import type { SearchAutomaton } from "./search.js";
import type { TaggedAutomaton, Transition } from "./tagged.js";

/** Words that the lists of moves of one automaton may take, as an entry can name them. */
const MOVES_LIMIT = 0x10000;

/** A REGEX_SEARCH. */
export function encodeSearch({ classes, rows, start }: SearchAutomaton): Uint8Array {
  const rowBytes = 2 * classes.samples.length;
  const view = new DataView(new ArrayBuffer(REGEX_SEARCH.rows + rows.length * rowBytes));
  writeBytes(view, REGEX_SEARCH.classes, classes.of);
  view.setInt32(REGEX_SEARCH.rowBytes, rowBytes, true);
  view.setInt32(REGEX_SEARCH.start, start, true);
  for (const [state, row] of rows.entries()) {
    const at = REGEX_SEARCH.rows + state * rowBytes;
    for (const [column, entry] of row.entries()) view.setUint16(at + 2 * column, entry, true);
  }
  return new Uint8Array(view.buffer);
}

/** A REGEX_CAPTURE. */
export function encodeCapture(automaton: TaggedAutomaton): Uint8Array {
  const { classes, rows, startAtBegin, startInside, groups } = automaton;
  const lists = createMoveLists();
  const entryOf = ({ state, moves }: Transition): number => state | (lists.indexOf(moves) << 16);
  const rowBytes = 4 * classes.samples.length;
  const entries = rows.map((row) => row.map(entryOf));
  const starts = [entryOf(startAtBegin), entryOf(startInside)] as const;
  const movesAt = REGEX_CAPTURE.rows + rows.length * rowBytes;
  const view = new DataView(new ArrayBuffer(movesAt + 4 * lists.words.length));
  writeBytes(view, REGEX_CAPTURE.classes, classes.of);
  view.setInt32(REGEX_CAPTURE.rowBytes, rowBytes, true);
  view.setUint32(REGEX_CAPTURE.startAtBegin, starts[0], true);
  view.setUint32(REGEX_CAPTURE.startInside, starts[1], true);
  view.setInt32(REGEX_CAPTURE.moves, movesAt, true);
  view.setInt32(REGEX_CAPTURE.groups, groups, true);
  for (const [state, row] of entries.entries()) {
    const at = REGEX_CAPTURE.rows + state * rowBytes;
    for (const [column, entry] of row.entries()) view.setUint32(at + 4 * column, entry, true);
  }
  for (const [index, word] of lists.words.entries())
    view.setUint32(movesAt + 4 * index, word, true);
  return new Uint8Array(view.buffer);
}

interface MoveLists {
  /** Each list as its length and its moves; word 0 is unused. */
  readonly words: readonly number[];
  /** Index of the words of `moves`, 0 if there are none. */
  indexOf(moves: readonly Move[]): number;
}

function createMoveLists(): MoveLists {
  const words = [0];
  const known = new Map<string, number>();
  return {
    words,
    indexOf(moves) {
      if (moves.length === 0) return 0;
      const list = moves.map(({ to, from }) => to | (encodeSource(from) << 16));
      const key = list.join();
      const found = known.get(key) ?? words.length;
      if (found === words.length) words.push(list.length, ...list);
      if (words.length > MOVES_LIMIT) tooLarge(`${MOVES_LIMIT} moves of captures`);
      known.set(key, found);
      return found;
    },
  };
}

function encodeSource(from: number): number {
  if (from === HERE) return REGEX_HERE;
  return from === NOWHERE ? REGEX_NOWHERE : from;
}

function writeBytes(view: DataView, at: number, bytes: Uint8Array): void {
  new Uint8Array(view.buffer).set(bytes, at);
}
