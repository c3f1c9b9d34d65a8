/**
 * Core Wasm signatures of module "host", in the order of the host function table (HOST_FUNCTIONS).
 * They restate host.wit by the canonical ABI's flattening (component-model CanonicalABI.md): u32,
 * s32 and ptr are i32, u64 and s64 are i64; a test compares the two.
 */
import type { HOST_FUNCTIONS } from "./layout/host.js";

/** Name of a host function, as imported. */
export type HostFunction = (typeof HOST_FUNCTIONS)[number];

/** `parameters>results`, i = i32, l = i64. */
export const HOST: Readonly<Record<HostFunction, string>> = {
  register: "i>l",
  read: "lii>i",
  read_string: "lii>i",
  write: "lii>i",
  clock: "i>l",
  identity: "i>l",
  thread_name: "ii>i",
  unwind: "iii>i",
  ticks: ">l",
  relax: "i>",
  inspect: "iiii>i",
  load_bias: "i>l",
  set_register: "il>i",
  locate: "iliii>i",
  vector: "ii>l",
  thread_storage: "i>l",
  usage: "i>l",
  send_signal: "i>i",
};
