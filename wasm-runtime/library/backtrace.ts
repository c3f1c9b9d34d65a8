/** The call chain of the interrupted thread. It is unwound once for each hit that asks for it. */
import {
  CONTEXT_BUFFER,
  CONTEXT_FRAME_COUNT,
  FRAME_EXACT_SHIFT,
  SESSION_ADDRESS,
  SESSION_FRAMES,
  SESSION_MAX_FRAMES,
} from "./gen/layout";
import { unwind } from "./host";
import { digitCount, putByte, putHex } from "./put";
import { stringEnd } from "./string";

/** Bits of an element of the chain that are its address. */
const ADDRESS_MASK: u64 = ((<u64>1) << FRAME_EXACT_SHIFT) - 1;

function framesOf(context: usize): usize {
  return context + load<usize>(SESSION_ADDRESS, SESSION_FRAMES);
}

function unwindFrom(context: usize, start: usize): i32 {
  const most = load<u32>(SESSION_ADDRESS, SESSION_MAX_FRAMES);
  const count = unwind(start, framesOf(context), most);
  // One more, so that a chain without addresses is not looked for again.
  store<i32>(context, 1 + max(count, 0), CONTEXT_FRAME_COUNT);
  return max(count, 0);
}

/** Element `n` of the chain; 0 behind its end. */
export function chainElement(context: usize, n: i64): u64 {
  const known = load<i32>(context, CONTEXT_FRAME_COUNT);
  const count = known === 0 ? unwindFrom(context, 0) : known - 1;
  return <u64>n < <u64>count ? load<u64>(framesOf(context) + ((<usize>n) << 3)) : 0;
}

/** True if the thread goes on at `element` itself: it is not behind a call. */
export function isExact(element: u64): bool {
  return element > ADDRESS_MASK;
}

/** Address number `n` of the chain: the place of the hit, then return addresses; 0 behind the end. */
export function stack_address(context: usize, n: i64): i64 {
  return <i64>(chainElement(context, n) & ADDRESS_MASK);
}

/** Makes the chain the one from these registers, or again that of the hit if all are 0. */
export function stack_start(context: usize, rip: i64, rsp: i64, rbp: i64): void {
  if ((rip | rsp | rbp) === 0) {
    store<i32>(context, 0, CONTEXT_FRAME_COUNT);
    return;
  }
  const start = context + CONTEXT_BUFFER;
  store<i64>(start, rip);
  store<i64>(start, rsp, 8);
  store<i64>(start, rbp, 16);
  unwindFrom(context, start);
}

/** ubacktrace(): addresses in hexadecimal, innermost first, each with a blank; whole ones only. */
export function ubacktrace(context: usize, out: usize): void {
  const end = stringEnd(out);
  let cursor = out;
  for (let n = 0; ; n++) {
    const address = <u64>stack_address(context, n);
    if (address === 0 || cursor + digitCount(address, 16) + 3 > end) break;
    cursor = putByte(putHex(cursor, end, address), end, 0x20);
  }
  store<u8>(cursor, 0);
}
