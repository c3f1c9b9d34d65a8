/**
 * The screen of --monitor as lines of text: the status of the session above, its output below
 * (cli.md §8). Pure; what it takes is the state that keys change (monitor-keys.ts).
 */
import type { ProbeStatus, SessionStatus } from "./monitor-data.js";

/** Columns of the table of probes, in the order in which `s` sorts by them. */
export const COLUMNS = ["index", "state", "hits", "min", "avg", "max", "name"] as const;
type Column = (typeof COLUMNS)[number];

/** What the screen shows. */
export interface MonitorState {
  readonly status: SessionStatus | null;
  readonly moduleName: string;
  readonly uptimeMs: number;
  /** Resident, of this process. */
  readonly memoryBytes: number;
  readonly userId: number;
  /** Lines of output, the last one last. */
  readonly output: readonly string[];
  /** What the keys have come to. */
  readonly sortBy: Column;
  readonly isStatusHidden: boolean;
  readonly isHelpShown: boolean;
  /** Which pane scrolls, and by how many lines: of output, from its end upwards. */
  readonly activePane: "status" | "output";
  readonly statusScroll: number;
  readonly outputScroll: number;
  /** Digits typed after `t`, null when none are asked for. */
  readonly typed: string | null;
  readonly hasExited: boolean;
}

/** The state before anything is known of a session of `moduleName`, run by `userId`. */
export function initialMonitor(moduleName: string, userId: number): MonitorState {
  return {
    status: null,
    moduleName,
    uptimeMs: 0,
    memoryBytes: 0,
    userId,
    output: [],
    sortBy: "index",
    isStatusHidden: false,
    isHelpShown: false,
    activePane: "output",
    statusScroll: 0,
    outputScroll: 0,
    typed: null,
    hasExited: false,
  };
}

/** Size of the screen. */
export interface ScreenSize {
  readonly rows: number;
  readonly columns: number;
}

/** Lines of the status that are neither header nor probes: titles, footer, edge. */
const UNDER_HEADER = 3;
const BOLD = "\x1b[1m";
const PLAIN = "\x1b[0m";

const HELP: readonly string[] = [
  "MONITOR MODE COMMANDS",
  "h - Show/hide this help",
  "c - Reset all global variables and statistics",
  "s - Sort the probes by the next column",
  "t - Type the index of a probe to switch on or off",
  "p/r - Pause/resume all probes",
  "x - Hide/show the status",
  "q - Quit",
  "j,k/Down,Up - Scroll by one line",
  "PgDown/PgUp - Scroll by one page",
  "Home/End - Scroll to the beginning/end",
  "Tab - Scroll the other pane",
];

/** Lines of the screen, no longer than it is wide, exactly as many as it has. */
export function showMonitor(state: MonitorState, size: ScreenSize): readonly string[] {
  const { rows } = size;
  if (state.isHelpShown) return fill(HELP, size, rows);
  const height = state.isStatusHidden ? 0 : Math.floor(rows / 2);
  const status = height === 0 ? [] : showStatus(state, size, height);
  return [...status, ...showOutput(state, size, rows - height)];
}

/** Lines of the table of probes that there is room for. */
export function tableRows(state: MonitorState, size: ScreenSize): number {
  const height = Math.floor(size.rows / 2);
  return Math.max(0, height - headerOf(state, size).length - UNDER_HEADER);
}

function showStatus(state: MonitorState, size: ScreenSize, height: number): string[] {
  const { status } = state;
  const header = headerOf(state, size);
  const body = status === null ? ["(data not available)"] : showProbes(state, status.probes, size);
  const table = fill([...header, ...body], size, height - 2);
  const line = "─".repeat(size.columns);
  return [...table, cut(footer(state), size), line];
}

function footer({ typed, hasExited }: MonitorState): string {
  if (typed !== null) return `enter probe index: ${typed}`;
  return hasExited ? "EXITED: press q to quit" : "press h for help";
}

function headerOf(state: MonitorState, { columns }: ScreenSize): string[] {
  const { status, moduleName, userId, memoryBytes } = state;
  const memory = `${Math.round(memoryBytes / 1024)}kB`;
  const probes = status?.probes.length ?? 0;
  const globals = (status?.globals ?? []).map(({ name, value }) => `${name}: ${value}`);
  return [
    `uptime: ${showTime(state.uptimeMs)} uid: ${userId} memory: ${memory}`,
    `module_name: ${moduleName} probes: ${probes}`,
    ...wrap(["globals:", ...globals], columns),
    "",
  ];
}

/** `words` in as many lines as they need, each word whole in one of them. */
function wrap(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 2 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last}  ${word}`;
  }
  return lines;
}

function showProbes(
  state: MonitorState,
  probes: readonly ProbeStatus[],
  size: ScreenSize,
): readonly string[] {
  const { sortBy, activePane, statusScroll } = state;
  const rows = sortProbes(probes, sortBy).map((probe) =>
    COLUMNS.map((column) => String(probe[column])),
  );
  const titles = COLUMNS.map((column) => (column === sortBy ? `${column}*` : column));
  const widths = COLUMNS.map((_, i) =>
    [titles, ...rows].reduce((most, row) => Math.max(most, row[i]?.length ?? 0), 0),
  );
  const lines = [titles, ...rows].map((row) =>
    row.map((text, i) => (i === row.length - 1 ? text : text.padStart(widths[i] ?? 0))).join("  "),
  );
  const [title = "", ...shown] = lines.map((line) => cut(line, size));
  const head = activePane === "status" ? `${BOLD}${title}${PLAIN}` : title;
  return [head, ...shown.slice(statusScroll)];
}

/** `probes` sorted: numbers that matter most first, index, state and name as they count up. */
export function sortProbes(probes: readonly ProbeStatus[], by: Column): ProbeStatus[] {
  return probes.toSorted((a, b) => {
    if (by === "name" || by === "state") return a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : 0;
    return by === "index" ? a.index - b.index : b[by] - a[by];
  });
}

function showOutput(state: MonitorState, size: ScreenSize, height: number): readonly string[] {
  const { output, outputScroll } = state;
  const end = Math.max(Math.min(height, output.length), output.length - outputScroll);
  return fill(output.slice(Math.max(0, end - height), end), size, height);
}

function showTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function fill(lines: readonly string[], size: ScreenSize, height: number): readonly string[] {
  return Array.from({ length: Math.max(0, height) }, (_, i) => cut(lines[i] ?? "", size));
}

/** `line` without what would change the screen, as wide as that is at most. */
function cut(line: string, { columns }: ScreenSize): string {
  if (line.startsWith(BOLD)) return line;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  return line.replace(/[\x00-\x1f\x7f]/g, " ").slice(0, columns);
}
