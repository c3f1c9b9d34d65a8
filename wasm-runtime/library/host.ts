/**
 * Imports of module "host" (asc names it after this file): what WebAssembly cannot do.
 * The definition, with units and errors, is wasm-runtime/host.wit.
 */

/** Register `index` (DWARF number) of the probe hit. */
export declare function register(index: u32): u64;
/** Copies process memory to `to`; 0 or -14. */
export declare function read(address: u64, to: usize, length: u32): i32;
/** Copies a string of process memory, always terminated; its length or -14. */
export declare function read_string(address: u64, to: usize, capacity: u32): i32;
/** Copies to process memory; 0, -14 or -1. */
export declare function write(address: u64, start: usize, length: u32): i32;
/** Nanoseconds of clock `id` of clock_gettime(2). */
export declare function clock(id: u32): i64;
/** 0 pid, 1 tid, 2 ppid, 3 pgrp, 4 sid, 5 uid, 6 euid, 7 gid, 8 egid, 9 cpu, 10 mutator, 11 to 14 start area. */
export declare function identity(what: u32): i64;
/** Writes the name of the calling thread; its length. */
export declare function thread_name(to: usize, capacity: u32): i32;
/** Writes at most `capacity` addresses of the call chain, u64 each; how many. */
export declare function unwind(start: usize, to: usize, capacity: u32): i32;
/** Time stamp counter. */
export declare function ticks(): u64;
/** Writes the text of a file of proc(5) with its NUL; its length or -2. */
export declare function inspect(what: u32, id: u32, to: usize, capacity: u32): i32;
/** Load bias of module number `module` of the bundle; -1 if it is not loaded. */
export declare function load_bias(module: u32): i64;
export declare function set_register(index: u32, value: u64): i32;
/** Sends the probed thread `signal` when the handler has ended. */
export declare function send_signal(signal: u32): i32;
/**
 * Writes the name of what lies at `address`, one of LOCATE, and two numbers about it, u64 each; its
 * length or -2.
 */
export declare function locate(
  what: u32,
  address: u64,
  to: usize,
  capacity: u32,
  numbers: usize,
): i32;
/** What the calling thread has used: 0 processor time, 1 to 3 page faults, 4 context switches; or -1. */
export declare function usage(what: u32): i64;
/** Pauses between tries for a lock. */
export declare function relax(round: u32): void;
