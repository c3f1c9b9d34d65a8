/**
 * --monitor: the terminal shows how the session does and what it prints, and its keys change both
 * (monitor-view.ts, monitor-keys.ts). What was printed is written once more, plainly, when the
 * monitor is left.
 */
import { StringDecoder } from "node:string_decoder";
import { ReadStream, WriteStream } from "node:tty";
import type { BundleMeta } from "../wasm-runtime/bundle.js";
import { createMonitorData, type MonitorData } from "./monitor-data.js";
import { keysIn, pressKey } from "./monitor-keys.js";
import { initialMonitor, type ScreenSize, showMonitor } from "./monitor-view.js";
import { type Output, openOutput } from "./output.js";
import type { ProcfsSession } from "./procfs-values.js";

/** Lines of output that are remembered. */
const MOST_LINES = 8192;
/** Least time between two drawings of new output. */
const DRAW_MS = 40;

/** Alternate screen without cursor, and back (ctlseqs, DECSET 1049 and 25). */
const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";

/** What a monitor is of. */
export interface MonitorOptions {
  readonly meta: BundleMeta;
  readonly moduleName: string;
  /** Time between two looks at the session. */
  readonly intervalMs: number;
}

/** A monitor on the terminal. */
export interface Monitor {
  /** Where probes print. */
  readonly output: Output;
  /** Shows a message. */
  say(line: string): void;
  /** The session runs from now on. */
  start(session: ProcfsSession): void;
  /** It runs no more. */
  stop(): void;
  /** Resolves when the user has left, after a session that ended by itself. */
  finish(): Promise<void>;
  /** Gives the terminal back and prints what was printed. */
  close(): void;
}

/** True if there is a terminal for a monitor. */
export function hasScreen(): boolean {
  return process.stdout instanceof WriteStream && process.stdin instanceof ReadStream;
}

/** Takes the terminal. */
export function openMonitor({ meta, moduleName, intervalMs }: MonitorOptions): Monitor {
  const terminal = openOutput(null);
  const lines = rememberLines();
  const began = performance.now();
  let state = initialMonitor(moduleName, process.getuid?.() ?? 0);
  let data: MonitorData | null = null;
  let drawing: NodeJS.Timeout | null = null;
  let hasQuit = false;
  let isClosed = false;
  let left: () => void = () => undefined;
  const leaving = new Promise<void>((resolve) => {
    left = resolve;
  });

  const draw = (): void => {
    if (drawing !== null) clearTimeout(drawing);
    drawing = null;
    if (isClosed) return;
    state = { ...state, output: lines.all() };
    const shown = showMonitor(state, screenSize()).map((line) => line + CLEAR_LINE);
    terminal.write(Buffer.from(HOME + shown.join("\n")));
  };
  const drawSoon = (): NodeJS.Timeout => (drawing ??= setTimeout(draw, DRAW_MS));
  const look = (): void => (data === null ? showStatus() : data.whenRunning(showStatus));
  const showStatus = (): void => {
    const status = data?.read() ?? state.status;
    const memoryBytes = process.memoryUsage.rss();
    state = { ...state, status, memoryBytes, uptimeMs: performance.now() - began };
    draw();
  };
  const timer = setInterval(look, intervalMs);
  const typed = (bytes: Buffer): void => {
    for (const key of keysIn(bytes.toString("latin1"))) {
      state = pressKey(key, state, screenSize(), {
        tell: (command) => data?.tell(command),
        interrupt: () => interrupt(),
        quit: () => {
          hasQuit = true;
          interrupt();
        },
      });
    }
    look();
  };
  const interrupt = (): void => {
    if (state.hasExited) left();
    else process.kill(process.pid, "SIGINT");
  };
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    process.off("exit", close);
    clearInterval(timer);
    if (drawing !== null) clearTimeout(drawing);
    setRawMode(false);
    process.stdout.off("resize", draw);
    process.stdin.off("data", typed);
    process.stdin.destroy();
    terminal.write(Buffer.from(LEAVE_SCREEN));
    terminal.write(Buffer.from(lines.all().join("\n")));
  };

  process.on("exit", close);
  setRawMode(true);
  process.stdin.on("data", typed);
  process.stdout.on("resize", draw);
  terminal.write(Buffer.from(ENTER_SCREEN));
  draw();
  return {
    output: {
      write: (bytes) => {
        lines.add(bytes);
        drawSoon();
        return true;
      },
      close: () => undefined,
    },
    say: (line) => {
      lines.add(Buffer.from(`${line}\n`));
      drawSoon();
    },
    start: (session) => {
      data = createMonitorData(meta, session);
      look();
    },
    stop: () => {
      look();
      data = null;
    },
    finish: () => {
      clearInterval(timer);
      state = { ...state, hasExited: true };
      draw();
      return hasQuit ? Promise.resolve() : leaving;
    },
    close,
  };
}

function screenSize(): ScreenSize {
  const { rows = 24, columns = 80 } = process.stdout;
  return { rows: rows || 24, columns: columns || 80 };
}

function setRawMode(on: boolean): void {
  if (process.stdin instanceof ReadStream) process.stdin.setRawMode(on);
}

/** The last lines of what is added; the very last one is not finished. */
function rememberLines(): { add(bytes: Uint8Array): void; all(): readonly string[] } {
  const decoder = new StringDecoder("utf8");
  let lines: string[] = [""];
  return {
    add: (bytes) => {
      const [rest = "", ...more] = decoder.write(Buffer.from(bytes)).split("\n");
      lines[lines.length - 1] += rest;
      lines.push(...more);
      if (lines.length > 2 * MOST_LINES) lines = lines.slice(-MOST_LINES);
    },
    all: () => lines,
  };
}
