/**
 * procfs probes: control files of a session, and its standard input as `__stdin` (language.md
 * §14.1). Handlers run here, one after the other, with PROCFS as what they see of the file.
 *
 * Permissions are those of SystemTap (stapprobes(3) "PROCFS PROBES"): 0444 if the file can be read,
 * 0222 if it can be written, without the bits of the umasks that its probes state or have.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { bug } from "../base/assert.js";
import { TargetError } from "../base/target-error.js";
import type { BundleMemory, BundleProbe } from "../wasm-runtime/bundle.js";
import { isMonitored } from "./monitor-data.js";
import { openProcfsDirectory } from "./procfs-directory.js";
import { type ControlFile, type FileHandlers, openReadable, openWritable } from "./procfs-files.js";
import { type ProcfsSession, type ProcfsUse, readValue, writeValue } from "./procfs-values.js";
import { openStandardInput } from "./standard-input.js";

/** The file that stands for standard input. */
const STANDARD_INPUT = "__stdin";
/** Who asks for no umask gets one that leaves the file to its owner. */
const DEFAULT_UMASK = 0o066;

/** Where the files are. */
export interface ProcfsPlace {
  /** Directory that has one for this user. */
  readonly parent: string;
  /** Name of the session. */
  readonly name: string;
}

/** The control files of a run. What is asked of them before `start` waits for it. */
export interface Procfs {
  /** Where they are, null if there are none. */
  readonly path: string | null;
  start(session: ProcfsSession): void;
  /** Removes them, once. */
  close(): void;
}

/** The probes of one file. */
interface Group {
  readonly path: string;
  readonly reader: ProcfsUse | null;
  readonly writers: readonly ProcfsUse[];
}

/** Makes the control files of `probes`. Throws TargetError if that is not possible. */
export function openProcfs(
  probes: readonly BundleProbe[],
  layout: BundleMemory,
  place: ProcfsPlace,
): Procfs {
  const groups = groupsOf(probes);
  const isSeen = groups.some(({ path }) => path !== STANDARD_INPUT);
  const directory = isSeen ? openProcfsDirectory(place.parent, place.name) : null;
  let session: ProcfsSession | null = null;
  const files: ControlFile[] = [];
  const serve = (): void => {
    session?.whenRunning(() => {
      for (const file of files) file.serve();
    });
  };
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    process.off("exit", close);
    process.off("SIGIO", serve);
    for (const file of files.splice(0)) file.close();
    directory?.close();
  };
  process.on("exit", close);
  // Before the first lease: without a listener the signal ends the process.
  process.on("SIGIO", serve);
  try {
    for (const group of groups) {
      const handlers = handlersOf(group, layout, () => session ?? bug("used before the session"));
      files.push(openFile(group, directory?.path ?? "", handlers));
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    path: directory?.path ?? null,
    start: (started) => {
      session = started;
      serve();
    },
    close,
  };
}

function groupsOf(probes: readonly BundleProbe[]): readonly Group[] {
  const uses = [...probes.entries()].flatMap(([probe, { point }]) =>
    point.kind === "procfs" && !isMonitored(point.path) ? [{ probe, point }] : [],
  );
  const paths = new Set(uses.map(({ point }) => point.path));
  return [...paths].map((path) => {
    const own = uses.filter(({ point }) => point.path === path);
    return {
      path,
      reader: own.find(({ point }) => point.access === "read") ?? null,
      writers: own.filter(({ point }) => point.access === "write"),
    };
  });
}

function openFile(group: Group, directory: string, handlers: FileHandlers): ControlFile {
  if (group.path === STANDARD_INPUT) return openStandardInput(handlers.written);
  const path = join(directory, group.path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const mode = modeOf(group);
    if (group.reader === null) return openWritable(path, mode, handlers.written);
    return openReadable(path, mode, handlers);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const about = { operation: "make a control file", subject: path };
    throw new TargetError(`cannot make the control file ${path}: ${reason}`, about, { cause });
  }
}

function modeOf({ reader, writers }: Group): number {
  const [writer] = writers;
  const all = (reader ? 0o444 : 0) | (writer ? 0o222 : 0);
  const masked = [reader, writer].map((use) => (use ? (use.point.umask ?? DEFAULT_UMASK) : 0));
  return masked.reduce((mode, umask) => mode & ~umask, all);
}

/** What the handlers of `group` make of its file. */
function handlersOf(
  group: Group,
  layout: BundleMemory,
  session: () => ProcfsSession,
): FileHandlers {
  const { reader, writers } = group;
  return {
    read: () => (reader === null ? new Uint8Array() : readValue(reader, layout, session())),
    written: (bytes) =>
      session().whenRunning(() => {
        for (const text of textsIn(bytes, layout.maxString - 1)) {
          for (const writer of writers) writeValue(writer, text, layout, session());
        }
      }),
  };
}

/** Lines of `bytes` with their ends, in pieces of at most `most` bytes. */
function* textsIn(bytes: Uint8Array, most: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf(NEWLINE, at) + 1 || bytes.length;
    const end = Math.min(line, at + most);
    yield bytes.subarray(at, end);
    at = end;
  }
}

const NEWLINE = 10;
