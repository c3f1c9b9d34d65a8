/** user_buffer_quoted(): memory of the traced process that is no string, NULs in it shown, too. */
import { CONTEXT_SCRATCH_TOP, SESSION_ADDRESS, SESSION_MAX_STRING } from "./gen/layout";
import { scratch } from "./handler";
import { read } from "./host";
import { LEAST_QUOTED, quoteText } from "./quote";

/**
 * `inputBytes` bytes at `address`, ≤ 0 = as many as fit, escaped in double quotes; at most
 * `outputBytes` bytes of result. "" where one of those that fit cannot be read.
 */
export function user_buffer_quoted(
  context: usize,
  address: i64,
  inputBytes: i64,
  outputBytes: i64,
  out: usize,
): void {
  store<u8>(out, 0);
  if (outputBytes <= 0) return;
  const most = load<i64>(SESSION_ADDRESS, SESSION_MAX_STRING) & 0xffffffff;
  const limit = <i32>max(<i64>LEAST_QUOTED, min(outputBytes, most - 1));
  const wanted = inputBytes <= 0 ? limit : <i32>min(inputBytes, <i64>limit);
  const top = load<usize>(context, CONTEXT_SCRATCH_TOP);
  const text = scratch(context, limit);
  if (text === 0) return;
  store<usize>(context, top, CONTEXT_SCRATCH_TOP);
  const bytes = readable(address, text, wanted);
  if (quoteText(text, bytes, out, limit, true) && bytes < wanted) store<u8>(out, 0);
}

/** Reads up to `length` bytes at `address`; how many of them could be read. */
function readable(address: i64, to: usize, length: i32): i32 {
  if (read(address, to, length) === 0) return length;
  let bytes = 0;
  while (bytes < length && read(address + bytes, to + bytes, 1) === 0) bytes++;
  return bytes;
}
