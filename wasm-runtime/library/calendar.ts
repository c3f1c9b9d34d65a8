/** ctime(): seconds since 1970 as "Www Mmm dd hh:mm:ss yyyy" in UTC, like asctime(3) without newline. */
import { TEXT_DAYS, TEXT_MONTHS, TEXT_TIME_RANGE } from "./gen/texts";
import { raise } from "./message";
import { digitCount, putByte, putDigits, putFill, putSigned } from "./put";
import { stringEnd } from "./string";

const DAY_SECONDS: i64 = 86400;
/** Seconds at -999-01-01 and 10000-01-01: what asctime_r(3) of glibc fits into its 26 bytes. */
const FIRST: i64 = -93692592000;
const LAST: i64 = 253402300800;

/** ctime(): an error outside of the years -999 … 9999. */
export function ctime(context: usize, seconds: i64, out: usize): void {
  store<u8>(out, 0);
  if (seconds < FIRST || seconds >= LAST) {
    raise(context, TEXT_TIME_RANGE);
    return;
  }
  const days = floorDivide(seconds, DAY_SECONDS);
  const time = <i32>(seconds - days * DAY_SECONDS);
  const end = stringEnd(out);
  const weekday = <usize>(days + 4 - floorDivide(days + 4, 7) * 7);
  let cursor = putName(out, end, TEXT_DAYS + 3 * weekday);
  cursor = putDate(cursor, end, days, time);
  store<u8>(cursor, 0);
}

/** Civil date from days by Hinnant's method: years start in March, eras have 146097 days. */
function putDate(cursor: usize, end: usize, days: i64, time: i32): usize {
  const shifted = days + 719468;
  const era = floorDivide(shifted, 146097);
  const dayOfEra = <i32>(shifted - era * 146097);
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const march = (5 * dayOfYear + 2) / 153;
  const day = dayOfYear - (153 * march + 2) / 5 + 1;
  const month = march < 10 ? march + 2 : march - 10;
  const year = era * 400 + yearOfEra + (month < 2 ? 1 : 0);
  cursor = putName(putByte(cursor, end, 0x20), end, TEXT_MONTHS + 3 * month);
  cursor = putFill(cursor, end, 0x20, 3 - digitCount(day, 10));
  cursor = putSigned(cursor, end, day);
  cursor = putPair(putByte(cursor, end, 0x20), end, time / 3600);
  cursor = putPair(putByte(cursor, end, 0x3a), end, (time / 60) % 60);
  cursor = putPair(putByte(cursor, end, 0x3a), end, time % 60);
  return putSigned(putByte(cursor, end, 0x20), end, year);
}

function putName(cursor: usize, end: usize, name: usize): usize {
  for (let i = 0; i < 3; i++) cursor = putByte(cursor, end, load<u8>(name + i));
  return cursor;
}

function putPair(cursor: usize, end: usize, value: i32): usize {
  return putDigits(cursor, end, value, 10, 2);
}

function floorDivide(value: i64, by: i64): i64 {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1 : quotient;
}
