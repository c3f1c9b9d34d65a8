/** Commands of the test suite that fail here, with the reason; each must really fail. */

/** One command, by file and line. */
export interface KnownFailure {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

const MULTIPLE_TABLES =
  "the threads proposal's file predates Wasm core 2.0, which allows several tables (§2.5.4)";

/** All of them. */
export const KNOWN_FAILURES: readonly KnownFailure[] = [
  { file: "threads-imports", line: 310, reason: MULTIPLE_TABLES },
  { file: "threads-imports", line: 314, reason: MULTIPLE_TABLES },
  { file: "threads-imports", line: 318, reason: MULTIPLE_TABLES },
];
