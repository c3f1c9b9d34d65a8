/**
 * Texts of the AssemblyScript library, NUL-terminated in its static data. scripts/build-library.ts
 * writes them out as `wasm-runtime/library/gen/texts.ts` (TEXT_EMPTY_AGGREGATE and so on), because
 * strings of the language itself are managed UTF-16.
 */

/** Name and text; the error texts are those of SystemTap (language.md §7, §9, §15, cli.md §6). */
export const LIBRARY_TEXTS = {
  emptyAggregate: "empty aggregate",
  bucketRange: "histogram index out of range",
  overflow: "Array overflow, check MAXMAPENTRIES",
  /** Then the capacity and the end. */
  overflowSized: "Array overflow, check size limit (",
  overflowSizedEnd: ")",
  /** After the number. */
  tooManyBytes: " is too many bytes for a memory dump",
  /** Then the address; also the next two. */
  readFault: "read fault [man error::fault] at ",
  writeFault: "write fault [man error::fault] at ",
  registerFault: "register access fault [man error::fault]",
  noSignal: "no thread is probed here that could get this signal",
  stringFault: "user string copy fault -14 at ",
  stringFaultEnd: " [man error::fault]",
  wideFault: "user string copy fault at ",
  /** Then the code, `at` and the address; also the next one. */
  invalidUtf16: "invalid UTF-16 character U+",
  invalidUtf32: "invalid UTF-32 character U+",
  at: " at ",
  writeDenied: "writing to process memory is not allowed without guru mode (-g)",
  /** Then the number and, after a failed match, the end. */
  subexpression: "Attempted to get subexpression ",
  subexpressionEnd: " from failed match",
  noSubexpression: "Attempted to get nonexistent subexpression ",
  subexpressionCount: "Attempted to get subexpression count from failed match",
  noUsage: "counters cannot be read in this process",
  position: "Position out of bounds",
  rangeTooWide: "range too wide",
  timeRange: "Time cannot be converted",
  /** Then the bytes that are needed and the end. */
  bufferExceeded: "buffer size exceeded, consider .maxsize(",
  bufferExceededEnd: ").",
  scratchExhausted: "no memory left for strings of this handler",
  invalidFormat: "invalid format",
  infinity: "inf",
  nan: "nan",
  /** Header of a chart, before and after its dashes. */
  value: "value |",
  count: " count\n",
  days: "SunMonTueWedThuFriSat",
  months: "JanFebMarAprMayJunJulAugSepOctNovDec",
} as const;
