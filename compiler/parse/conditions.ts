/**
 * Comparisons of preprocessor conditionals, `%( LEFT op RIGHT %? …` (language.md §2.2).
 * The engine calls itself runtime "dyninst", privilege "stapusr"; kernel options are unset.
 */
import { compareVersions } from "../../base/version.js";
import { failAt, type Token } from "./token.js";

/** What conditions may ask. */
export interface Surroundings {
  /** Version of --compatible. */
  readonly compatible: string;
  readonly guru: boolean;
  /** Release of the kernel, e.g. "6.1.0-13-amd64". */
  readonly kernelRelease: string;
  /** Told of conditions on the version of SystemTap. */
  readonly versionAsked: () => void;
}

const MAX_NUMBER = (1n << 63n) - 1n;

const ORDERED: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "==", "!="]);

/** Value of the comparison `left operator right`. */
export function evaluateComparison(
  left: Token,
  operator: Token,
  right: Token,
  surroundings: Surroundings,
): boolean {
  if (isLiteral(left) && !isLiteral(right)) failAt(left, "bad-condition");
  if (left.kind === "string") {
    if (right.kind !== "string") failAt(right, "expected-right-string");
    return ordered(operator, compareText(left.text, right.text));
  }
  if (left.kind === "number") {
    if (right.kind !== "number") failAt(right, "expected-right-number");
    return ordered(operator, compareNumbers(numberOf(left), numberOf(right)));
  }
  if (left.kind !== "identifier") failAt(left, "bad-condition");
  switch (left.text) {
    case "kernel_v":
      return version(surroundings.kernelRelease.replace(/[^0-9.].*$/, ""), operator, right);
    case "kernel_vr":
      return version(surroundings.kernelRelease, operator, right);
    case "systemtap_v":
      surroundings.versionAsked();
      return version(surroundings.compatible, operator, right);
    case "arch":
      return pattern("x86_64", operator, right);
    case "runtime":
      return pattern("dyninst", operator, right);
    case "systemtap_privilege":
      return pattern("stapusr", operator, right);
    case "guru_mode":
      return guruMode(surroundings.guru, operator, right);
    default:
      if (left.text.startsWith("CONFIG_")) return config(operator, right);
      return failAt(left, "bad-condition");
  }
}

function isLiteral({ kind }: Token): boolean {
  return kind === "string" || kind === "number";
}

function ordered(operator: Token, order: number): boolean {
  switch (operator.text) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    default:
      return failAt(operator, "expected-comparison");
  }
}

/** `==` or `!=`, as 1 or 0 of equality. */
function equality(operator: Token, equal: () => boolean): boolean {
  if (operator.text === "==") return equal();
  if (operator.text === "!=") return !equal();
  return failAt(operator, "expected-equality");
}

function pattern(value: string, operator: Token, right: Token): boolean {
  if (right.kind !== "string") failAt(right, "expected-string-literal");
  return equality(operator, () => globMatches(right.text, value));
}

function version(value: string, operator: Token, right: Token): boolean {
  if (right.kind !== "string") failAt(right, "expected-string-literal");
  if (!ORDERED.has(operator.text)) failAt(operator, "expected-comparison");
  if (/[*?[]/.test(right.text)) {
    if (operator.text !== "==" && operator.text !== "!=") failAt(operator, "ordered-wildcard");
    return globMatches(right.text, value) === (operator.text === "==");
  }
  return ordered(operator, compareVersions(value, right.text));
}

function guruMode(guru: boolean, operator: Token, right: Token): boolean {
  if (right.kind !== "number") failAt(right, "expected", "number");
  const value = numberOf(right);
  if (value !== 0n && value !== 1n) failAt(operator, "expected-zero-or-one");
  return equality(operator, () => guru === (value === 1n));
}

/** An option of the kernel, always unset: "" as text, 0 as number. */
function config(operator: Token, right: Token): boolean {
  if (right.kind === "string") return equality(operator, () => globMatches(right.text, ""));
  if (right.kind === "number") return ordered(operator, compareNumbers(0n, numberOf(right)));
  if (right.kind === "identifier" && right.text.startsWith("CONFIG_")) return ordered(operator, 0);
  return failAt(right, "bad-config-operand");
}

/** Numbers of conditions are decimal. */
function numberOf(token: Token): bigint {
  const value = /^[0-9]+$/.test(token.text) ? BigInt(token.text) : MAX_NUMBER + 1n;
  return value <= MAX_NUMBER ? value : failAt(token, "bad-number");
}

/** Value of a number literal as strtoull(3) base 0 gives it; null if there is none. */
export function parseNumber(text: string): bigint | null {
  if (!/^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.test(text)) return null;
  const octal = /^0[0-7]+$/.test(text);
  const value = BigInt(octal ? `0o${text.slice(1)}` : text);
  return value >= 1n << 64n ? null : value;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** True if `text` as a whole matches the shell pattern `glob` (fnmatch(3) without flags). */
export function globMatches(glob: string, text: string): boolean {
  const source = glob.replace(/\[!?[^\]]+\]|[\\^$.|?*+()[\]{}]/g, (part) => {
    if (part === "*") return "[^]*";
    if (part === "?") return "[^]";
    if (part.length > 1) return part.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
    return `\\${part}`;
  });
  return new RegExp(`^${source}$`).test(text);
}
