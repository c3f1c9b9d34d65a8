/** Memory of the traced process, by way of the host: numbers and strings, with errors on a fault. */
import {
  CONTEXT_BUFFER,
  CONTEXT_SCRATCH_TOP,
  NOT_LOADED,
  SESSION_ADDRESS,
  SESSION_MAX_STRING,
} from "./gen/layout";
import { TEXT_NO_SIGNAL, TEXT_REGISTER_FAULT, TEXT_WRITE_DENIED } from "./gen/texts";
import { scratch } from "./handler";
import {
  send_signal as host_send_signal,
  set_register as host_set_register,
  load_bias,
  read,
  read_string,
  write,
} from "./host";
import { raise, raiseReadFault, raiseStringFault, raiseWriteFault } from "./message";
import { putHex } from "./put";
import { quoteText } from "./quote";
import { string_copy, stringEnd, textLength } from "./string";

/** Result of a host write that is not granted. */
const DENIED = -1;
/** Of one to a place that does not exist. */
const FAULT = -14;

/** Address of what the ELF file of module number `module` has at `address`; 0 if it is not loaded. */
export function module_address(_context: usize, module: i64, address: i64): i64 {
  const bias = load_bias(<u32>module);
  return bias === NOT_LOADED ? 0 : bias + address;
}

/** Number of 1, 2, 4 or 8 bytes at `address`, sign-extended if `signed` is not 0; or an error. */
export function user_load(context: usize, address: i64, bytes: i64, signed: i64): i64 {
  const buffer = context + CONTEXT_BUFFER;
  if (fetch(buffer, address, bytes)) return extend(buffer, bytes, signed !== 0);
  raiseReadFault(context, address);
  return 0;
}

/** As user_load, but 0 on a fault. */
export function user_load_nofault(context: usize, address: i64, bytes: i64, signed: i64): i64 {
  const buffer = context + CONTEXT_BUFFER;
  return fetch(buffer, address, bytes) ? extend(buffer, bytes, signed !== 0) : 0;
}

/** String at `address`, of at most `most` bytes if that is not -1; `fallback` on a fault. */
export function user_string_or(
  _context: usize,
  address: i64,
  most: i64,
  fallback: usize,
  out: usize,
): void {
  if (read_string(address, out, capacityOf(most)) < 0) string_copy(out, fallback);
}

/** As user_string_or with an error on a fault. */
export function user_string(context: usize, address: i64, most: i64, out: usize): void {
  if (read_string(address, out, capacityOf(most)) >= 0) return;
  store<u8>(out, 0);
  raiseStringFault(context, address);
}

/** The string escaped in double quotes; its address in hexadecimal on a fault. */
export function user_string_quoted(context: usize, address: i64, most: i64, out: usize): void {
  const top = load<usize>(context, CONTEXT_SCRATCH_TOP);
  const limit = load<i32>(SESSION_ADDRESS, SESSION_MAX_STRING) - 1;
  const text = scratch(context, limit + 1);
  store<u8>(out, 0);
  if (text === 0) return;
  store<usize>(context, top, CONTEXT_SCRATCH_TOP);
  if (read_string(address, text, capacityOf(most)) < 0) {
    store<u8>(putHex(out, stringEnd(out), address), 0);
    return;
  }
  quoteText(text, textLength(text), out, limit, true);
}

/** Writes the low `bytes` bytes of `value`; an error on a fault or without the right to. */
export function user_store(context: usize, address: i64, bytes: i64, value: i64): void {
  const buffer = context + CONTEXT_BUFFER;
  store<i64>(buffer, value);
  const result = isSize(bytes) ? write(address, buffer, <u32>bytes) : DENIED;
  if (result === DENIED) raise(context, TEXT_WRITE_DENIED);
  else if (result !== 0) raiseWriteFault(context, address);
}

/** Changes a register of the probe hit; an error where there is none or without the right to. */
export function set_register(context: usize, register: i64, value: i64): void {
  const result = <u64>register < 16 ? host_set_register(<u32>register, value) : FAULT;
  if (result === DENIED) raise(context, TEXT_WRITE_DENIED);
  else if (result !== 0) raise(context, TEXT_REGISTER_FAULT);
}

/** Sends the probed thread a signal when the handler has ended; an error where there is none. */
export function send_signal(context: usize, signal: i64): void {
  const result = <u64>signal <= 64 ? host_send_signal(<u32>signal) : FAULT;
  if (result === DENIED) raise(context, TEXT_WRITE_DENIED);
  else if (result !== 0) raise(context, TEXT_NO_SIGNAL);
}

function isSize(bytes: i64): bool {
  return bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8;
}

function fetch(buffer: usize, address: i64, bytes: i64): bool {
  return isSize(bytes) && read(address, buffer, <u32>bytes) === 0;
}

function extend(buffer: usize, bytes: i64, signed: bool): i64 {
  switch (<i32>bytes) {
    case 1:
      return signed ? <i64>load<i8>(buffer) : <i64>load<u8>(buffer);
    case 2:
      return signed ? <i64>load<i16>(buffer) : <i64>load<u16>(buffer);
    case 4:
      return signed ? <i64>load<i32>(buffer) : <i64>load<u32>(buffer);
    default:
      return load<i64>(buffer);
  }
}

/** Bytes with the NUL that a string of at most `most` bytes may take in a script string. */
function capacityOf(most: i64): u32 {
  const limit = load<i64>(SESSION_ADDRESS, SESSION_MAX_STRING) & 0xffffffff;
  if (most === -1) return <u32>limit;
  return <u32>(most <= 0 ? 1 : min(most, limit - 1) + 1);
}
