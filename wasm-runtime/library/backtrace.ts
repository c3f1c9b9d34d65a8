/** ubacktrace(): return addresses of the interrupted thread. */
import { CONTEXT_SCRATCH_TOP } from "./gen/layout";
import { scratch } from "./handler";
import { unwind } from "./host";
import { digitCount, putByte, putHex } from "./put";
import { stringEnd } from "./string";

/** Most addresses of a backtrace (SystemTap MAXBACKTRACE). */
const MOST_FRAMES: i32 = 20;

/** ubacktrace(): addresses in hexadecimal, innermost first, with blanks between; whole ones only. */
export function ubacktrace(context: usize, out: usize): void {
  store<u8>(out, 0);
  const top = load<usize>(context, CONTEXT_SCRATCH_TOP);
  const frames = scratch(context, 8 * MOST_FRAMES);
  if (frames === 0) return;
  store<usize>(context, top, CONTEXT_SCRATCH_TOP);
  const count = unwind(frames, MOST_FRAMES);
  const end = stringEnd(out);
  let cursor = out;
  for (let i = 0; i < count; i++) {
    const address = load<u64>(frames + ((<usize>i) << 3));
    if (cursor + digitCount(address, 16) + 3 > end) break;
    if (i > 0) cursor = putByte(cursor, end, 0x20);
    cursor = putHex(cursor, end, address);
  }
  store<u8>(cursor, 0);
}
