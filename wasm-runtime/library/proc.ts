/** Texts of proc(5), as a whole; what they mean is said in the tapset. */
import { SESSION_ADDRESS, SESSION_MAX_STRING } from "./gen/layout";
import { inspect } from "./host";

/** File `what` of process or thread `id`, as much of it as a string holds; "" if there is none. */
export function proc_file(_context: usize, what: i64, id: i64, out: usize): void {
  store<u8>(out, 0);
  if (what < 0 || what > 0xff || id < 0 || id > <i64>i32.MAX_VALUE) return;
  inspect(<u32>what, <u32>id, out, load<u32>(SESSION_ADDRESS, SESSION_MAX_STRING));
}
