/**
 * What a monitor learns of a session and tells it, through the probes that the compiler added for
 * it (compiler/types/monitor.ts says what their texts are).
 */
import type { BundleMeta } from "../wasm-runtime/bundle.js";
import { type ProcfsSession, type ProcfsUse, readValue, writeValue } from "./procfs-values.js";

const CONTROL = "__monitor";

/** One probe of a session; times in nanoseconds. */
export interface ProbeStatus {
  readonly index: number;
  readonly state: "on" | "off";
  readonly hits: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly name: string;
}

/** A global and its value as text. */
export interface GlobalStatus {
  readonly name: string;
  readonly value: string;
}

/** A session at one moment. */
export interface SessionStatus {
  readonly probes: readonly ProbeStatus[];
  readonly globals: readonly GlobalStatus[];
}

/** The probes of a monitor. */
export interface MonitorData {
  /** Null if the session is not running. */
  read(): SessionStatus | null;
  /** Does something when `read` need not wait for a process that is stopped. */
  whenRunning(action: () => void): void;
  /** "clear", "pause", "resume", or the index of a probe to be switched on or off. */
  tell(command: string): void;
}

/** True for control files that only a monitor sees. */
export function isMonitored(path: string): boolean {
  return path === CONTROL || path.startsWith(`${CONTROL}/`);
}

/** The probes of `meta` that a monitor uses. */
export function createMonitorData(
  { probes, memory: layout }: BundleMeta,
  session: ProcfsSession,
): MonitorData {
  const uses = [...probes.entries()].flatMap(([probe, { point }]): ProcfsUse[] =>
    point.kind === "procfs" && isMonitored(point.path) ? [{ probe, point }] : [],
  );
  const readers = uses.filter(({ point }) => point.access === "read");
  const writers = uses.filter(({ point }) => point.access === "write");
  return {
    read: () => {
      const texts = readers.map((use) => readValue(use, layout, session));
      const text = Buffer.concat(texts).toString("utf8");
      return text === "" ? null : parseStatus(text);
    },
    whenRunning: session.whenRunning,
    tell: (command) =>
      session.whenRunning(() => {
        for (const use of writers) writeValue(use, Buffer.from(command), layout, session);
      }),
  };
}

/** The status that `text` tells. */
export function parseStatus(text: string): SessionStatus {
  const probes: ProbeStatus[] = [];
  const globals: GlobalStatus[] = [];
  for (const line of text.split("\n")) {
    const [kind, ...fields] = line.split("\t");
    if (kind === "g") {
      const [name = "", value = ""] = fields;
      globals.push({ name, value: value.trim() });
    } else if (kind === "p") {
      const [index = 0, on, hits = 0, min = 0, avg = 0, max = 0] = fields.map(Number);
      const state = on === 0 ? "off" : "on";
      probes.push({ index, state, hits, min, avg, max, name: fields[6] ?? "" });
    }
  }
  return { probes, globals };
}
