/**
 * What embedded code can use besides AssemblyScript itself; docs/embedded-code.md explains it.
 *
 * A string of a script is bytes; here each byte is one character, 0 to 255. An error, raised by
 * error() or by what reads memory, ends the block at once, as does next(). Imports of module
 * "wastap" are put in by the compiler: the address of the thread's context, and constants.
 */

@external("wastap", "context") export declare function context(): usize;
@external("wastap", "max_string") declare function maxString(): i32;
@external("wastap", "format_string") declare function formatString(): i32;
@external("wastap", "format_long") declare function formatLong(): i32;

@external("lib", "error") declare function lib_error(context: usize, text: usize): void;
@external("lib", "warn") declare function lib_warn(context: usize, text: usize): void;
@external("lib", "exit") declare function lib_exit(context: usize): void;
@external("lib", "record_item") declare function lib_item(context: usize, format: i32, n: i32): void;
@external("lib", "record_long") declare function lib_long(context: usize, value: i64): void;
@external("lib", "record_string") declare function lib_string(context: usize, text: usize): void;
@external("lib", "strlen") declare function lib_strlen(context: usize, text: usize): i64;
@external("lib", "string_widen") declare function lib_widen(to: usize, from: usize): void;
@external("lib", "string_narrow") declare function lib_narrow(to: usize, from: usize, n: i32): void;
@external("lib", "user_load")
declare function lib_load(context: usize, address: i64, bytes: i64, isSigned: i64): i64;
@external("lib", "user_load_nofault")
declare function lib_load_nofault(context: usize, address: i64, bytes: i64, isSigned: i64): i64;
@external("lib", "user_string")
declare function lib_user_string(context: usize, address: i64, most: i64, out: usize): void;
@external("lib", "user_store")
declare function lib_store(context: usize, address: i64, bytes: i64, value: i64): void;
@external("lib", "register_value")
declare function lib_register(context: usize, index: i64): i64;
@external("lib", "pid") declare function lib_pid(context: usize): i64;
@external("lib", "tid") declare function lib_tid(context: usize): i64;
@external("lib", "uid") declare function lib_uid(context: usize): i64;
@external("lib", "cpu") declare function lib_cpu(context: usize): i64;
@external("lib", "gettimeofday_ns") declare function lib_time(context: usize): i64;
@external("lib", "monotonic_ns") declare function lib_monotonic(context: usize): i64;
@external("lib", "execname") declare function lib_execname(context: usize, out: usize): void;

/** Ends the block as `next` does in a function: the following overload is called. */
@external("wastap", "next") export declare function next(): void;

/** Ends the block with a soft error, which `catch` can stop. */
export function error(message: string): void {
  lib_error(context(), narrow(message));
}

/** Sends a warning. */
export function warn(message: string): void {
  lib_warn(context(), narrow(message));
}

/** Ends the session after this handler. */
export function exit(): void {
  lib_exit(context());
}

/** Prints a string or an integer. */
export function print<T>(value: T): void {
  if (isString<T>()) {
    const bytes = narrow(changetype<string>(value));
    lib_item(context(), formatString(), 1);
    lib_string(context(), bytes);
  } else if (isInteger<T>()) {
    lib_item(context(), formatLong(), 1);
    lib_long(context(), <i64>value);
  } else {
    ERROR("print() takes a string or an integer");
  }
}

/** Prints a string or an integer, then a line end. */
export function println<T>(value: T): void {
  print<T>(value);
  print("\n");
}

/** The integer of type T at `address` of the process; an error if that cannot be read. */
export function read<T>(address: i64): T {
  if (!isInteger<T>()) ERROR("read() gives integers");
  return <T>lib_load(context(), address, sizeof<T>(), isSigned<T>() ? 1 : 0);
}

/** As read(), but 0 if that cannot be read. */
export function readOrZero<T>(address: i64): T {
  if (!isInteger<T>()) ERROR("readOrZero() gives integers");
  return <T>lib_load_nofault(context(), address, sizeof<T>(), isSigned<T>() ? 1 : 0);
}

/** The NUL-terminated string at `address` of the process; an error if that cannot be read. */
export function readString(address: i64): string {
  const bytes = __alloc(maxString());
  lib_user_string(context(), address, -1, bytes);
  return widen(bytes);
}

/** Writes an integer to `address` of the process; needs -g. */
export function write<T>(address: i64, value: T): void {
  if (!isInteger<T>()) ERROR("write() takes integers");
  lib_store(context(), address, sizeof<T>(), <i64>value);
}

/** Register `index` (DWARF number) of the probe hit; 0 where there are none. */
export function register(index: i32): i64 {
  return lib_register(context(), index);
}

export function pid(): i64 {
  return lib_pid(context());
}

export function tid(): i64 {
  return lib_tid(context());
}

export function uid(): i64 {
  return lib_uid(context());
}

export function cpu(): i64 {
  return lib_cpu(context());
}

/** Nanoseconds since 1970. */
export function gettimeofday_ns(): i64 {
  return lib_time(context());
}

/** Nanoseconds of a clock that is never set. */
export function monotonic_ns(): i64 {
  return lib_monotonic(context());
}

export function execname(): string {
  const bytes = __alloc(maxString());
  lib_execname(context(), bytes);
  return widen(bytes);
}

/** For generated code: the string at `bytes` of linear memory. */
export function widen(bytes: usize): string {
  const text = __new(<usize>lib_strlen(context(), bytes) << 1, idof<string>());
  lib_widen(text, bytes);
  return changetype<string>(text);
}

/** Address of a NUL-terminated copy of `text`. */
export function narrow(text: string): usize {
  const bytes = __alloc(text.length + 1);
  lib_narrow(bytes, changetype<usize>(text), text.length);
  return bytes;
}

/** For generated code: writes `text` to `out`, which takes MAXSTRINGLEN bytes. */
export function give(out: usize, text: string): void {
  lib_narrow(out, changetype<usize>(text), min(text.length, maxString() - 1));
}

/** For generated code: room for a string that the script gives. */
export function room(): usize {
  return __alloc(maxString());
}

/** Called by the AssemblyScript library where it would throw. */
export function abort(message: string | null, _file: string | null, _line: u32, _at: u32): void {
  error(message === null ? "embedded code was aborted" : message);
}
