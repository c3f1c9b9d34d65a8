/** What handlers may ask of the host, found from the library functions that they call. */
import type { CAPABILITY } from "../../wasm-runtime/layout/private.js";
import type { LibraryFunction } from "../../wasm-runtime/library-abi.js";
import type { Callee } from "../ir/ir.js";

type Capability = keyof typeof CAPABILITY;

/** Names of the CAPABILITY bits that calls of `callees` need, sorted. */
export function capabilitiesOf(callees: readonly Callee[]): readonly Capability[] {
  const needed = new Set<Capability>();
  for (const callee of callees) {
    if (callee.kind !== "library") continue;
    for (const capability of NEEDS[callee.name] ?? []) needed.add(capability);
  }
  return [...needed].sort();
}

const NEEDS: { readonly [name in LibraryFunction]?: readonly Capability[] } = {
  record_memory: ["readMemory"],
  user_load: ["readMemory"],
  user_load_nofault: ["readMemory"],
  user_string: ["readMemory"],
  user_string_or: ["readMemory"],
  user_string_quoted: ["readMemory"],
  user_buffer_quoted: ["readMemory"],
  user_string_utf16: ["readMemory"],
  user_string_utf32: ["readMemory"],
  user_store: ["writeMemory"],
  set_register: ["writeMemory"],
  send_signal: ["writeMemory"],
  proc_file: ["inspect"],
  ubacktrace: ["unwind"],
  stack_address: ["unwind"],
  stack_start: ["unwind"],
  frame_text: ["unwind", "symbols", "modules"],
  frame_source: ["unwind", "symbols", "modules", "lines"],
  address_text: ["symbols", "modules"],
  source_text: ["lines"],
  module_text: ["modules"],
  module_offset: ["modules"],
  udelay: ["clock"],
  gettimeofday_ns: ["clock"],
  gettimeofday_us: ["clock"],
  gettimeofday_ms: ["clock"],
  gettimeofday_s: ["clock"],
  monotonic_ns: ["clock"],
  pid: ["identity"],
  tid: ["identity"],
  ppid: ["identity"],
  pgrp: ["identity"],
  sid: ["identity"],
  uid: ["identity"],
  euid: ["identity"],
  gid: ["identity"],
  egid: ["identity"],
  cpu: ["identity"],
  stp_pid: ["identity"],
  target: ["identity"],
  start_area: ["identity"],
  thread_usage: ["identity"],
  execname: ["identity"],
};
