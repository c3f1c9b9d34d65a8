/**
 * Control files as others see them.
 *
 * A file that can be read is an empty regular file under a lease (fcntl(2)): whoever opens it waits
 * until it has been filled, or found to be for writing. At that moment an empty one takes its place,
 * so that the next one who comes is answered anew, and those who have the old one open have it for
 * themselves. If we die, the lease is gone: what is opened then is empty, and nobody waits.
 *
 * A file that can only be written is a FIFO (fifo(7)), which any number of writers may have open.
 */
import {
  closeSync,
  constants,
  type FSWatcher,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  watch,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { awaitedAccess, dropLease, makeFifo, takeLease } from "../base/special-files.js";

/** How often a file that was opened for writing is looked at until it is closed. */
const CLOSING_MS = 5;

/** What is done when a file is used. */
export interface FileHandlers {
  /** Content for who opens the file. */
  read(): Uint8Array;
  /** Takes what was written, in pieces as they come. */
  written(bytes: Uint8Array): void;
}

/** A control file. Those who use it wait until it is served. */
export interface ControlFile {
  /** Serves those who wait now; to be called again after each SIGIO. */
  serve(): void;
  close(): void;
}

/** A file at `path` with the permissions `mode` that can be read, and written perhaps. */
export function openReadable(path: string, mode: number, handlers: FileHandlers): ControlFile {
  const writings = new Set<Writing>();
  let serial = 0;
  const place = (): number => {
    const unseen = join(dirname(path), `.${basename(path)}.${serial++}`);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    const descriptor = openSync(unseen, flags, mode);
    fchmodSync(descriptor, mode);
    takeLease(descriptor);
    renameSync(unseen, path);
    return descriptor;
  };
  let current = place();
  return {
    serve: () => {
      const access = awaitedAccess(current);
      if (access === "nothing") return;
      const answer = access === "read" ? handlers.read() : null;
      const opened = current;
      current = place();
      if (answer === null) {
        const writing = followWriting(opened, handlers.written, () => writings.delete(writing));
        writings.add(writing);
        dropLease(opened);
        return;
      }
      writeAll(opened, answer);
      dropLease(opened);
      closeSync(opened);
    },
    close: () => {
      for (const writing of writings) writing.close();
      closeSync(current);
    },
  };
}

/** A file that others write to. */
interface Writing {
  close(): void;
}

/** Hands on what is written to `descriptor`, until all others have closed it. */
function followWriting(
  descriptor: number,
  written: FileHandlers["written"],
  ended: () => void,
): Writing {
  let taken = 0;
  let timer: NodeJS.Timeout | undefined;
  const take = (): void => {
    const { size } = fstatSync(descriptor);
    // Another writer, let in at the same time, began anew.
    if (size < taken) taken = 0;
    const bytes = new Uint8Array(size - taken);
    taken += readSync(descriptor, bytes, 0, bytes.length, taken);
    if (bytes.length > 0) written(bytes);
  };
  const close = (): void => {
    clearTimeout(timer);
    watcher.close();
    closeSync(descriptor);
    ended();
  };
  const lookForEnd = (): void => {
    const isClosed = isOpenNowhereElse(descriptor);
    take();
    if (isClosed) close();
    else timer = setTimeout(lookForEnd, CLOSING_MS);
  };
  // Nobody else finds it any more; watching needs the permission to read.
  fchmodSync(descriptor, 0o600);
  const watcher: FSWatcher = watch(`/proc/self/fd/${descriptor}`, () => {
    take();
    timer ??= setTimeout(lookForEnd, CLOSING_MS);
  });
  return { close };
}

function isOpenNowhereElse(descriptor: number): boolean {
  try {
    takeLease(descriptor);
    return true;
  } catch {
    return false;
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** A FIFO at `path` with the permissions `mode`. */
export function openWritable(
  path: string,
  mode: number,
  written: FileHandlers["written"],
): ControlFile {
  makeFifo(path, 0o600);
  // Open for writing, too: so it has no end when writers go.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  fchmodSync(descriptor, mode);
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  let isServed = false;
  return {
    serve: () => {
      if (!isServed) socket.on("data", written);
      isServed = true;
    },
    close: () => void socket.destroy(),
  };
}
