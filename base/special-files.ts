/** FIFOs, and leases of files: who holds one is asked before anybody else opens the file (fcntl(2)). */
import { loadAddon } from "./addon.js";

interface NativeFiles {
  makeFifo(path: string, mode: number): void;
  setLease(descriptor: number, hold: boolean): void;
  awaitedAccess(descriptor: number): AwaitedAccess;
}

/** What somebody who opens a leased file wants of it. */
export type AwaitedAccess = "nothing" | "read" | "write";

/** Makes a FIFO with exactly the permissions `mode`. Throws an error with `errno`. */
export function makeFifo(path: string, mode: number): void {
  native().makeFifo(path, mode);
}

/**
 * Takes a lease of a file that is open nowhere else: from now on opening it waits and sends SIGIO
 * to this process. Throws an error with `errno`: EAGAIN if it is open elsewhere, EINVAL where the
 * file system has no leases.
 */
export function takeLease(descriptor: number): void {
  native().setLease(descriptor, true);
}

/** Gives the lease up: those who wait go on. */
export function dropLease(descriptor: number): void {
  native().setLease(descriptor, false);
}

/** What those who wait for the lease want; "write" if it is one of several things. */
export function awaitedAccess(descriptor: number): AwaitedAccess {
  return native().awaitedAccess(descriptor);
}

function native(): NativeFiles {
  return loadAddon() as unknown as NativeFiles;
}
