/**
 * --attach=NAME: prints what a session in the background has kept and goes on to print, until it
 * ends. Ctrl-C ends the session, Ctrl-\\ only this command (kept-records.ts has the protocol).
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { TargetError } from "../base/target-error.js";
import { CHANNEL, FRAME_HEADER, REQUEST, socketOf } from "./kept-records.js";
import { openOutput, say } from "./output.js";

/** Exit status of a session that was killed. */
const LOST_STATUS = 1;

/** Prints what session `name` keeps; gives its exit status, 0 if it goes on. */
export async function attachTo(name: string): Promise<number> {
  const socket = connect(socketOf(name));
  await once(socket, "connect").catch((cause: Error) => {
    const about = { operation: "attach", subject: name };
    throw new TargetError(`no session '${name}' in the background`, about, { cause });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void socket.write(Uint8Array.of(REQUEST.end)));
  }
  const left = new Promise<number>((resolve) => {
    process.on("SIGQUIT", () => resolve(0));
  });
  socket.write(Uint8Array.of(REQUEST.take));
  const status = await Promise.race([left, printFrames(socket)]);
  socket.destroy();
  return status;
}

async function printFrames(socket: Socket): Promise<number> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    while (bytes.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + bytes.readUInt32LE(1);
      if (bytes.length < end) break;
      const contents = bytes.subarray(FRAME_HEADER, end);
      if (bytes[0] === CHANNEL.status) return contents[0] ?? LOST_STATUS;
      if (bytes[0] === CHANNEL.output) openOutput(null).write(contents);
      else say(contents.toString("utf8").replace(/\n$/, ""));
      bytes = bytes.subarray(end);
    }
  }
  return LOST_STATUS;
}
