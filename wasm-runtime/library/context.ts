/** What a handler asks about its surroundings: identities, clocks, registers, texts of the session. */
import {
  CONTEXT_PROBE,
  REGISTER_UNKNOWN_RESULT,
  SESSION_ADDRESS,
  SESSION_MAX_STRING,
  SESSION_MODULE_NAME,
  SESSION_PROBE_TABLE,
  SESSION_RANDOM,
  SESSION_TARGET,
  SESSION_TIME_ZONE_NAME,
  SESSION_TIME_ZONE_OFFSET,
} from "./gen/layout";
import { TEXT_NO_USAGE, TEXT_RANGE_TOO_WIDE } from "./gen/texts";
import { clock, identity, register, relax, thread_name, ticks, usage } from "./host";
import { raise } from "./message";
import { string_copy } from "./string";

/** Most that randint() takes (tapsets.md, random.stp). */
const RANDOM_LIMIT: u64 = 1 << 20;
/** Constants of SplitMix64. */
const RANDOM_STEP: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;
const FIRST_FACTOR: u64 = ((<u64>0xbf58476d) << 32) | 0x1ce4e5b9;
const SECOND_FACTOR: u64 = ((<u64>0x94d049bb) << 32) | 0x133111eb;
/** clock_gettime(2). */
const REAL_TIME = 0;
const MONOTONIC = 1;
/** Nanoseconds from which a delay sleeps, and the round of host.relax that does so. */
const SLEEP: i64 = 200000;
const SLEEP_ROUND = 128;
/** More tries to the microsecond than a processor makes. */
const MOST_ROUNDS: i64 = 100;
/** Bytes of a thread name with its NUL: TASK_COMM_LEN, prctl(2) PR_GET_NAME. */
const NAME_BYTES = 16;

/** pid() */
export function pid(_context: usize): i64 {
  return identity(0);
}

/** tid() */
export function tid(_context: usize): i64 {
  return identity(1);
}

/** ppid() */
export function ppid(_context: usize): i64 {
  return identity(2);
}

/** pgrp() */
export function pgrp(_context: usize): i64 {
  return identity(3);
}

/** sid() */
export function sid(_context: usize): i64 {
  return identity(4);
}

/** uid() */
export function uid(_context: usize): i64 {
  return identity(5);
}

/** euid() */
export function euid(_context: usize): i64 {
  return identity(6);
}

/** gid() */
export function gid(_context: usize): i64 {
  return identity(7);
}

/** egid() */
export function egid(_context: usize): i64 {
  return identity(8);
}

/** cpu() */
export function cpu(_context: usize): i64 {
  return identity(9);
}

/** stp_pid(): the process that runs the session. */
export function stp_pid(_context: usize): i64 {
  return identity(10);
}

/** Addresses: start (0) and end (1) of the arguments, start (2) and end (3) of the environment. */
export function start_area(_context: usize, which: i64): i64 {
  return identity(11 + (<u32>which & 3));
}

/** What the thread has used so far, as host.usage counts it; an error where that is not known. */
export function thread_usage(context: usize, what: i64): i64 {
  const used = usage(<u32>what);
  if (used < 0) raise(context, TEXT_NO_USAGE);
  return used;
}

/** target() */
export function target(_context: usize): i64 {
  const here = identity(15);
  return here === 0 ? load<i64>(SESSION_ADDRESS, SESSION_TARGET) : max(here, 0);
}

/** execname(): name of the calling thread. */
export function execname(_context: usize, out: usize): void {
  thread_name(out, min(NAME_BYTES, load<i32>(SESSION_ADDRESS, SESSION_MAX_STRING)));
}

/** pp() (0), pn() (1), probe_type() (2) of the probe that runs. */
export function probe_text(context: usize, which: i64, out: usize): void {
  const text = probeEntry(context) + ((<usize>which & 3) << 2);
  string_copy(out, load<usize>(text));
}

/** is_return() */
export function is_return(context: usize): i64 {
  return load<i32>(probeEntry(context), 12);
}

/** module_name() */
export function module_name(_context: usize, out: usize): void {
  string_copy(out, load<usize>(SESSION_ADDRESS, SESSION_MODULE_NAME));
}

/** tz_name() */
export function tz_name(_context: usize, out: usize): void {
  string_copy(out, load<usize>(SESSION_ADDRESS, SESSION_TIME_ZONE_NAME));
}

/** tz_gmtoff(): seconds west of UTC. */
export function tz_gmtoff(_context: usize): i64 {
  return load<i64>(SESSION_ADDRESS, SESSION_TIME_ZONE_OFFSET);
}

/** gettimeofday_ns() */
export function gettimeofday_ns(_context: usize): i64 {
  return clock(REAL_TIME);
}

/** gettimeofday_us() */
export function gettimeofday_us(_context: usize): i64 {
  return clock(REAL_TIME) / 1000;
}

/** gettimeofday_ms() */
export function gettimeofday_ms(_context: usize): i64 {
  return clock(REAL_TIME) / 1000000;
}

/** gettimeofday_s() */
export function gettimeofday_s(_context: usize): i64 {
  return clock(REAL_TIME) / 1000000000;
}

/** Nanoseconds of the monotonic clock. */
export function monotonic_ns(_context: usize): i64 {
  return clock(MONOTONIC);
}

/** get_cycles() */
export function get_cycles(_context: usize): i64 {
  return ticks();
}

/** udelay(): spins or sleeps; gives up after as many rounds as no clock that goes takes. */
export function udelay(_context: usize, microseconds: i64): void {
  const end = clock(MONOTONIC) + microseconds * 1000;
  for (let rounds = microseconds * MOST_ROUNDS; rounds > 0; rounds--) {
    const left = end - clock(MONOTONIC);
    if (left <= 0) return;
    relax(left > SLEEP ? SLEEP_ROUND : 0);
  }
}

/** randint(): uniform in [0, limit) by SplitMix64 (Steele, Lea, Flood 2014) on one shared state. */
export function randint(context: usize, limit: i64): i64 {
  if (<u64>limit > RANDOM_LIMIT) {
    raise(context, TEXT_RANGE_TOO_WIDE);
    return 0;
  }
  if (limit === 0) return 0;
  let state = atomic.add<u64>(SESSION_ADDRESS + SESSION_RANDOM, RANDOM_STEP) + RANDOM_STEP;
  state = (state ^ (state >> 30)) * FIRST_FACTOR;
  state = (state ^ (state >> 27)) * SECOND_FACTOR;
  state ^= state >> 31;
  return ((state >> 32) * <u64>limit) >> 32;
}

/** Register by DWARF number, or whether a result is unknown; 0 for one that does not exist. */
export function register_value(_context: usize, index: i64): i64 {
  const isKnown = <u64>index < 18 || index === REGISTER_UNKNOWN_RESULT;
  return isKnown ? <i64>register(<u32>index) : 0;
}

/** Row of SESSION.probeTable of the probe that runs. */
function probeEntry(context: usize): usize {
  return (
    load<usize>(SESSION_ADDRESS, SESSION_PROBE_TABLE) + (load<usize>(context, CONTEXT_PROBE) << 4)
  );
}
