/**
 * Catalogue of the texts of pass 1: one function per code. The wording is SystemTap's, because
 * scripts, tests and people compare it (reference: `stap -p1` of Debian's 4.8, cli.md §6).
 * Messages of later passes are in compiler/elaborate/messages.ts.
 */

const CONDITION_OPERANDS =
  "expected 'arch', 'kernel_v', 'kernel_vr', 'systemtap_v',\n" +
  "             'runtime', 'systemtap_privilege', 'CONFIG_...', or\n" +
  "             comparison between strings or integers";

const STRAY_MARKER = "incomplete conditional - missing '%('";

/** Text of every message of the parser, by code. */
export const MESSAGES = {
  // -- tokens
  "unterminated-string": (): string => "Could not find matching closing quote",
  "unterminated-embedded": (): string =>
    "Could not find matching '%}' to close embedded function block",
  "reversed-embedded-end": (): string => "possible erroneous closing '}%', use '%}'?",
  "argument-out-of-range": (count: number): string =>
    `command line argument out of range [1-${count}]`,
  "nested-argument": (): string => "invalid nested substitution of command line arguments",
  "unused-argument": (number: number): string => `unused command line option $${number}/@${number}`,
  "bad-number": (): string => "number invalid or out of range",
  "end-of-file": (): string => "unexpected end-of-file",
  // -- macros
  "nested-define": (): string => "'@define' forbidden inside macro body",
  "redefined-define": (): string => "attempt to redefine '@define'",
  "redefined-macro": (name: string): string =>
    `attempt to redefine macro '@${name}' in the same file`,
  "macro-defined-here": (name: string): string => `macro '@${name}' first defined here`,
  "macro-hides-operator": (name: string): string => `macro redefines built-in operator '@${name}'`,
  "unterminated-macro": (): string => "incomplete macro definition - missing '%)'",
  "macro-without-arguments": (name: string, count: number): string =>
    `expected '(' in invocation of macro '@${name}' taking ${count} parameter${count === 1 ? "" : "s"}`,
  "unterminated-invocation": (): string => "could not find end of macro invocation",
  "too-many-macro-arguments": (name: string, count: number): string =>
    `too many parameters for macro '@${name}' (expected ${count})`,
  "too-few-macro-arguments": (name: string, count: number): string =>
    `too few parameters for macro '@${name}' (expected ${count})`,
  "macro-recursion": (name: string): string => `macro '@${name}' expands to itself`,
  "too-many-expansions": (limit: number): string => `more than ${limit} macro expansions`,
  "macro-file-token": (file: string): string => `unexpected token in library macro file '${file}'`,
  "duplicate-library-macro": (name: string): string =>
    `duplicate definition of library macro '@${name}'`,
  // -- conditionals
  "unterminated-conditional": (): string => "incomplete conditional at end of file",
  "stray-then": (): string => STRAY_MARKER,
  "stray-else": (): string => STRAY_MARKER,
  "stray-end": (): string => STRAY_MARKER,
  "duplicate-else": (): string => "invalid conditional - duplicate '%:'",
  "unterminated-condition": (): string => "incomplete condition after '%('",
  "missing-conditional-marker": (): string => "expected '%?' marker for conditional",
  "bad-condition": (): string => CONDITION_OPERANDS,
  "expected-comparison": (): string => "expected comparison operator",
  "expected-equality": (): string => "expected '==' or '!='",
  "expected-string-literal": (): string => "expected string literal",
  "expected-zero-or-one": (): string => "expected 0 or 1",
  "ordered-wildcard": (): string => "wildcard not allowed with order comparison operators",
  "bad-config-operand": (): string =>
    "expected string, number literal or other CONFIG_... as right side operand",
  "expected-right-string": (): string => "expected string literal as right value",
  "expected-right-number": (): string => "expected number literal as right value",
  // -- grammar
  expected: (what: string): string => `expected ${what}`,
  "expected-one-of": (tokens: string): string => `expected one of '${tokens}'`,
  "expected-declaration": (): string =>
    "expected 'probe', 'global', 'private', 'function', or '%{'",
  "too-deep": (limit: number): string => `more than ${limit} levels of nesting`,
  "unknown-operator": (name: string): string => `unknown operator ${name}`,
  "needs-guru": (name: string): string => `using ${name} operator not permitted; need stap -g`,
  "too-many-parameters": (count: number): string =>
    `not more than ${count} parameter${count === 1 ? "" : "s"} allowed`,
  "double-address": (): string => "cannot take address more than once",
  "unexpected-list": (): string => "unexpected comma-separated expression list",
  "access-after-pretty": (): string => "-> and [ are not accepted for a pretty-printing variable",
  "bare-histogram": (): string => "base histogram operator where expression expected",
  "return-outside-function": (): string => "found 'return' not in function context",
  "multiple-sort": (): string => "multiple sort directives",
  "bad-conversion": (): string => "invalid or missing conversion specifier",
  "trailing-conversion": (): string => "trailing incomplete print format conversion",
  // -- declarations
  "duplicate-global": (): string => "duplicate global name",
  "private-conflict": (): string => "global versus private variable declaration conflict",
  "array-size": (): string => "array size out of range",
  "initialized-array": (): string => "only scalar globals can be initialized",
  "duplicate-parameter": (): string => "duplicate parameter names",
  "bad-priority": (): string => "specified priority must be > 0",
  "alias-optional": (): string => "probe point alias name cannot be optional nor sufficient",
  "combined-epilogue": (): string => "Combined prologue and epilogue cannot be defined with '+='",
  "too-many-points": (limit: number): string => `more than ${limit} probe points`,
  "early-suffix": (): string => "'?', '!' or condition must only be specified in suffix",
  "repeated-suffix": (): string => "'?' or '!' respecified",
  "repeated-condition": (): string => "condition respecified",
  "depends-on-version": (what: string): string =>
    `This ${what} uses tapset constructs that are dependent on systemtap version`,
  // -- files
  "empty-file": (name: string): string => `Input file '${name}' is empty.`,
  "empty-after-preprocessing": (name: string): string =>
    `Input file '${name}' is empty after preprocessing.`,
  "library-file-skipped": (name: string): string =>
    `tapset "${name}" has errors, and will be skipped`,
  "library-file-run": (name: string): string =>
    `usage error: ${name.endsWith(".stpm") ? "macro tapset" : "tapset"} file '${name}' cannot be run directly as a session script.`,
  "missing-file": (name: string): string => `Input file '${name}' is missing.`,
  "unreadable-file": (name: string): string => `Input file '${name}' can't be opened for reading.`,
} as const;

/** Code of a message of pass 1. */
export type MessageCode = keyof typeof MESSAGES;
/** What the message `Code` tells about. */
export type MessageArgs<Code extends MessageCode> = Parameters<(typeof MESSAGES)[Code]>;

/** Text of message `code`. */
export function message<Code extends MessageCode>(code: Code, args: MessageArgs<Code>): string {
  const text = MESSAGES[code] as (...args: readonly unknown[]) => string;
  return text(...args);
}
