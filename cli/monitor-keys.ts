/** Keys of --monitor (cli.md §8): what was typed becomes keys, and a key changes what is shown. */
import { COLUMNS, type MonitorState, type ScreenSize, tableRows } from "./monitor-view.js";

/** What a key makes the monitor do besides changing the screen. */
export interface KeyEffects {
  /** Tells the session (monitor-data.ts). */
  tell(command: string): void;
  quit(): void;
  interrupt(): void;
}

/** Sequences of terminals that send those of xterm (ctlseqs, "PC-Style Function Keys"). */
const SEQUENCES: Readonly<Record<string, string>> = {
  "\x1b[A": "Up",
  "\x1bOA": "Up",
  "\x1b[B": "Down",
  "\x1bOB": "Down",
  "\x1b[5~": "PgUp",
  "\x1b[6~": "PgDown",
  "\x1b[H": "Home",
  "\x1bOH": "Home",
  "\x1b[1~": "Home",
  "\x1b[F": "End",
  "\x1bOF": "End",
  "\x1b[4~": "End",
  "\t": "Tab",
  "\r": "Enter",
  "\n": "Enter",
  "\x7f": "Backspace",
  "\b": "Backspace",
  "\x03": "Interrupt",
};

/** The keys that `text` is. Sequences that no key here sends are left out. */
export function keysIn(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys send them
  const parts = text.match(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?|[\s\S]/g) ?? [];
  return parts.flatMap((part) => SEQUENCES[part] ?? (part.startsWith("\x1b") ? [] : part));
}

/** Digits of the index of a probe. */
const MOST_DIGITS = 6;

/** The state after `key`. */
export function pressKey(
  key: string,
  state: MonitorState,
  size: ScreenSize,
  effects: KeyEffects,
): MonitorState {
  if (key === "Interrupt") effects.interrupt();
  else if (state.typed !== null) return typeDigit(key, state.typed, state, effects);
  switch (key) {
    case "q":
      effects.quit();
      return state;
    case "c":
      effects.tell("clear");
      return state;
    case "p":
      effects.tell("pause");
      return state;
    case "r":
      effects.tell("resume");
      return state;
    case "s": {
      const next = (COLUMNS.indexOf(state.sortBy) + 1) % COLUMNS.length;
      return { ...state, sortBy: COLUMNS[next] ?? "index" };
    }
    case "t":
      return { ...state, typed: "" };
    case "x":
      return { ...state, isStatusHidden: !state.isStatusHidden };
    case "h":
      return { ...state, isHelpShown: !state.isHelpShown };
    case "Tab":
      return { ...state, activePane: state.activePane === "status" ? "output" : "status" };
    default:
      return scroll(state, key, size);
  }
}

function typeDigit(
  key: string,
  typed: string,
  state: MonitorState,
  { tell }: KeyEffects,
): MonitorState {
  if (key === "Enter") {
    if (typed !== "") tell(typed);
    return { ...state, typed: null };
  }
  if (key === "Backspace") return { ...state, typed: typed.slice(0, -1) };
  if (!/^\d$/.test(key)) return { ...state, typed: null };
  return { ...state, typed: (typed + key).slice(0, MOST_DIGITS) };
}

/** Lines that `key` scrolls down by, on pages of `page` lines; null if it does not scroll. */
function linesOf(key: string, page: number): number | null {
  switch (key) {
    case "j":
    case "Down":
      return 1;
    case "k":
    case "Up":
      return -1;
    case "PgDown":
      return page;
    case "PgUp":
      return -page;
    case "End":
      return Number.MAX_SAFE_INTEGER;
    case "Home":
      return -Number.MAX_SAFE_INTEGER;
    default:
      return null;
  }
}

function scroll(state: MonitorState, key: string, size: ScreenSize): MonitorState {
  const { status, output, statusScroll, outputScroll } = state;
  if (state.activePane === "status") {
    const page = Math.max(1, tableRows(state, size));
    const lines = linesOf(key, page);
    const most = Math.max(0, (status?.probes.length ?? 0) - page);
    return lines === null ? state : { ...state, statusScroll: clamp(statusScroll + lines, most) };
  }
  const page = state.isStatusHidden ? size.rows : size.rows - Math.floor(size.rows / 2);
  const lines = linesOf(key, page);
  const most = Math.max(0, output.length - page);
  return lines === null ? state : { ...state, outputScroll: clamp(outputScroll - lines, most) };
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}
