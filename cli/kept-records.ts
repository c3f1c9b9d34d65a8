/**
 * -F without -o: what a session in the background prints and says stays in memory, the oldest of it
 * leaving where -s megabytes are not enough, until `wastap --attach=NAME` comes for it through a
 * socket in the user's own directory (as `staprun -A NAME` for a module that was detached from). A
 * session that is over waits for that, too.
 *
 * On the socket: requests of one byte; frames of one byte for the channel, four for the length
 * (little-endian), the bytes.
 */
import { EventEmitter, once } from "node:events";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { cacheDirectory } from "../base/cache.js";
import { TargetError } from "../base/target-error.js";
import type { Output } from "./output.js";

/** Channels of frames: standard output, standard error, and the exit status that ends them. */
export const CHANNEL = { output: 1, error: 2, status: 3 } as const;
/** Bytes before the contents of a frame. */
export const FRAME_HEADER = 5;
/** What an attached command asks for: the records, from now on; the end of the session. */
export const REQUEST = { take: 1, end: 2 } as const;
/**
 * Contents of a frame of output: small ones are joined, as each takes some hundred bytes more than
 * it holds; large ones are split, as a frame leaves as a whole.
 */
const CONTENTS_BYTES = 16 * 1024;

/** What a session in the background keeps. */
export interface KeptRecords {
  readonly output: Output;
  /** Keeps a line for standard error. */
  say(line: string): void;
  /** Settles when an attached command ends the session. */
  readonly ended: Promise<void>;
  /** Settles when the end of the session, with its exit status, was fetched. */
  finish(status: number): Promise<void>;
  /** Keeps nothing any more; the name is free. */
  close(): void;
}

/** The socket of the session `name`. */
export function socketOf(name: string): string {
  const directory = join(cacheDirectory(), "..", "sessions");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, name);
}

/** Frames in memory, or on their way to who reads them. */
interface Store {
  readonly limit: number;
  readonly frames: Buffer[];
  bytes: number;
  /** Bytes that had to leave. */
  lost: number;
  reader: Socket | null;
}

/** Begins to keep the records of session `name`, at most `limit` bytes of them. */
export async function keepRecords(name: string, limit: number): Promise<KeptRecords> {
  const store: Store = { limit, frames: [], bytes: 0, lost: 0, reader: null };
  const requests: Requests = new EventEmitter();
  const path = socketOf(name);
  const server = createServer((socket) => serve(socket, store, requests));
  await listen(server, path);
  return {
    output: {
      write(bytes) {
        for (let at = 0; at < bytes.length; at += CONTENTS_BYTES) {
          add(store, CHANNEL.output, bytes.subarray(at, at + CONTENTS_BYTES));
        }
        return true;
      },
      close: () => undefined,
    },
    say: (line) => add(store, CHANNEL.error, Buffer.from(`${line}\n`)),
    ended: once(requests, "end").then(() => undefined),
    async finish(status) {
      while (store.reader === null) await once(requests, "take");
      const { reader } = store;
      sayLost(reader, "newer", store);
      const last = frame(CHANNEL.status, Uint8Array.of(status));
      await new Promise<void>((resolve) => reader.end(last, resolve));
    },
    close() {
      store.reader?.end();
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/** Emits the requests of the command that is attached. */
type Requests = EventEmitter<Record<keyof typeof REQUEST, []>>;

/** Does what `socket` asks for. Who asks for nothing only looks whether somebody listens. */
function serve(socket: Socket, store: Store, requests: Requests): void {
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    for (const request of bytes) {
      if (request === REQUEST.take && take(socket, store)) requests.emit("take");
      if (request === REQUEST.end && store.reader === socket) requests.emit("end");
    }
  });
}

/** Hands all to `socket`; false if another one has it. */
function take(socket: Socket, store: Store): boolean {
  if (store.reader !== null) {
    socket.end(frame(CHANNEL.error, Buffer.from("ERROR: another command is attached\n")));
    return false;
  }
  store.reader = socket;
  socket.on("close", () => {
    store.reader = null;
  });
  sayLost(socket, "older", store);
  for (const framed of store.frames.splice(0)) socket.write(framed);
  store.bytes = 0;
  return true;
}

/** Tells `socket` how much of the output that is `older` or `newer` than what it got is lost. */
function sayLost(socket: Socket, which: "older" | "newer", store: Store): void {
  if (store.lost === 0) return;
  const text = `WARNING: ${store.lost} bytes of ${which} output were not kept, see -s\n`;
  socket.write(frame(CHANNEL.error, Buffer.from(text)));
  store.lost = 0;
}

function add(store: Store, channel: number, bytes: Uint8Array): void {
  const { reader, frames, limit } = store;
  if (reader !== null) {
    // Who reads too slowly loses the newest.
    if (reader.writableLength > limit) store.lost += bytes.length;
    else reader.write(frame(channel, bytes));
    return;
  }
  const last = frames.at(-1);
  const isJoined = last?.[0] === channel && last.length + bytes.length <= CONTENTS_BYTES;
  const before = isJoined ? frames.pop()?.subarray(FRAME_HEADER) : undefined;
  frames.push(frame(channel, Buffer.concat([before ?? Buffer.alloc(0), bytes])));
  store.bytes += bytes.length;
  while (store.bytes > limit && frames.length > 1) {
    const { length = FRAME_HEADER } = frames.shift() ?? {};
    store.bytes -= length - FRAME_HEADER;
    store.lost += length - FRAME_HEADER;
  }
}

function frame(channel: number, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUInt8(channel);
  header.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

/** Listens at `path`; a socket there that nobody listens at any more is of a session that was killed. */
async function listen(server: Server, path: string): Promise<void> {
  const about = { operation: "listen", subject: path };
  if (await answers(path)) throw new TargetError(`a session listens at ${path} already`, about);
  rmSync(path, { force: true });
  server.listen(path);
  await once(server, "listening").catch((cause: Error) => {
    throw new TargetError(`cannot listen at ${path}: ${cause.message}`, about, { cause });
  });
  chmodSync(path, 0o600);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  const connected = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}
