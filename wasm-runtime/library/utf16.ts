/** Between byte strings and the UTF-16 strings of embedded code, where a byte is one code unit. */

/** What stands for a code unit that is no byte: '?'. */
const NO_BYTE: u32 = 0x3f;

/** Writes the NUL-terminated bytes at `from` as code units to `to`, without the NUL. */
export function string_widen(to: usize, from: usize): void {
  for (let byte = <u32>load<u8>(from); byte !== 0; byte = load<u8>(++from)) {
    store<u16>(to, <u16>byte);
    to += 2;
  }
}

/** Writes `count` code units at `from` as bytes to `to`, with a NUL. */
export function string_narrow(to: usize, from: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const unit = <u32>load<u16>(from + ((<usize>i) << 1));
    store<u8>(to++, <u8>(unit > 0xff ? NO_BYTE : unit));
  }
  store<u8>(to, 0);
}
