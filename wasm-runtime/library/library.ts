/** What the library exports: exactly the functions of wasm-runtime/library-abi.ts. */
export { stack_address, stack_start, ubacktrace } from "./backtrace";
export { user_buffer_quoted } from "./buffer";
export { ctime } from "./calendar";
export {
  cpu,
  egid,
  euid,
  execname,
  get_cycles,
  gettimeofday_ms,
  gettimeofday_ns,
  gettimeofday_s,
  gettimeofday_us,
  gid,
  is_return,
  module_name,
  monotonic_ns,
  pgrp,
  pid,
  ppid,
  probe_text,
  randint,
  register_value,
  sid,
  start_area,
  stp_pid,
  target,
  thread_usage,
  tid,
  tz_gmtoff,
  tz_name,
  udelay,
  uid,
} from "./context";
export { fp_add, fp_div, fp_eq, fp_le, fp_lt, fp_mul, fp_rem, fp_sqrt, fp_sub } from "./float";
export { fp_to_long, fp32_to_fp64, long_to_fp } from "./float-convert";
export { fp_to_string, string_to_fp } from "./float-text";
export { abort, enter, error, exit, leave, recover, scratch, system, warn } from "./handler";
export { locks_acquire, locks_release } from "./lock";
export {
  long_add,
  map_clear,
  map_find,
  map_first,
  map_grow,
  map_init,
  map_insert,
  map_matches,
  map_next,
  map_remove,
} from "./map";
export { error_at, raise } from "./message";
export {
  address_text,
  frame_source,
  frame_text,
  module_offset,
  module_text,
  source_text,
} from "./place";
export { proc_file } from "./proc";
export { procfs_put } from "./procfs";
export { text_strn } from "./quote";
export {
  check_memory,
  record_histogram,
  record_item,
  record_long,
  record_memory,
  record_string,
} from "./record";
export { matched, ngroups, regex_match, regex_test } from "./regex";
export { map_sort } from "./sort";
export {
  stat_add,
  stat_avg,
  stat_bucket,
  stat_clear,
  stat_count,
  stat_max,
  stat_merge,
  stat_min,
  stat_sum,
  stat_variance,
} from "./stat";
export {
  isdigit,
  isinstr,
  str_replace,
  string_append,
  string_compare,
  string_copy,
  stringat,
  strlen,
  strpos,
  strtol,
  substr,
  tokenize,
} from "./string";
export {
  text_begin,
  text_end,
  text_histogram,
  text_literal,
  text_long,
  text_memory,
  text_string,
} from "./text";
export {
  module_address,
  send_signal,
  set_register,
  user_load,
  user_load_nofault,
  user_store,
  user_string,
  user_string_or,
  user_string_quoted,
} from "./user";
export { string_narrow, string_widen } from "./utf16";
export { user_string_utf16, user_string_utf32 } from "./wide";
