/**
 * Probe points (language.md §4): dotted components glued from adjacent tokens, braces expanded to
 * all combinations, `?`, `!` and `if (…)` at the end.
 */

import { type Expression, newNodeId, type ProbeComponent, type ProbePoint } from "../syntax/ast.js";
import { cloneComponent, cloneExpression } from "../syntax/clone.js";
import { parseLiteral } from "./literals.js";
import { isWord, type TokenStream } from "./stream.js";
import { failAt, failSaw, type Token } from "./token.js";

/** A point under construction; braces multiply it. */
interface Draft {
  readonly components: readonly ProbeComponent[];
  readonly suffix: Suffix;
}

interface Suffix {
  readonly mark: "?" | "!" | null;
  readonly condition: Expression | null;
}

const NO_SUFFIX: Suffix = { mark: null, condition: null };

/** What may follow a probe point, as in messages. */
export const AFTER_POINT = ", { } = +=";

/** Most points that braces may make of one; each pair of braces multiplies them. */
const MAX_POINTS = 65_536;

/** Parses one probe point; more than one result when it has braces. */
export function parseProbePoints(stream: TokenStream): ProbePoint[] {
  return parseDrafts(stream).map(({ components, suffix }) => {
    const [first] = components;
    if (first === undefined) return stream.failExpected("probe point specifier");
    return {
      kind: "point",
      id: newNodeId(),
      span: first.span,
      components,
      optional: suffix.mark !== null,
      sufficient: suffix.mark === "!",
      condition: suffix.condition,
    };
  });
}

function parseDrafts(stream: TokenStream): Draft[] {
  let drafts: Draft[] = [{ components: [], suffix: NO_SUFFIX }];
  for (;;) {
    const alternatives = parseStep(stream);
    if (drafts.length * alternatives.length > MAX_POINTS)
      stream.fail("too-many-points", MAX_POINTS);
    drafts = product(drafts, alternatives);
    if (stream.accept(".") === null) break;
    const early = drafts.find(({ suffix }) => suffix !== NO_SUFFIX);
    const place = early?.components[0];
    if (place !== undefined) failAt({ kind: "identifier", span: place.span }, "early-suffix");
  }
  const suffix = parseSuffix(stream, drafts);
  return suffix === NO_SUFFIX ? drafts : drafts.map((draft) => addSuffix(draft, suffix));
}

/** One component, or the points in braces. */
function parseStep(stream: TokenStream): Draft[] {
  const first = stream.next();
  if (!isWord(first, "{"))
    return [{ components: [parseComponent(stream, first)], suffix: NO_SUFFIX }];
  const drafts: Draft[] = [];
  do drafts.push(...stream.nest(parseDrafts));
  while (stream.accept(",") !== null);
  if (stream.accept("}") !== null) return drafts;
  // What may follow a whole point ends one in braces, too.
  if (["{", "=", "+="].some((text) => stream.at(text))) return stream.failExpected("'}'");
  return stream.fail("expected-one-of", AFTER_POINT);
}

/** Every head followed by every tail; nodes used more than once are copied. */
function product(heads: readonly Draft[], tails: readonly Draft[]): Draft[] {
  if (heads.length === 1 && tails.length === 1)
    return heads.flatMap((head) =>
      tails.map((tail) => ({
        components: [...head.components, ...tail.components],
        suffix: tail.suffix,
      })),
    );
  return heads.flatMap((head) =>
    tails.map((tail) => ({
      components: [...head.components, ...tail.components].map(cloneComponent),
      suffix: copySuffix(tail.suffix),
    })),
  );
}

function copySuffix(suffix: Suffix): Suffix {
  const { mark, condition } = suffix;
  if (condition === null) return suffix;
  return { mark, condition: cloneExpression(condition) };
}

function addSuffix(draft: Draft, suffix: Suffix): Draft {
  const copy = copySuffix(suffix);
  return {
    components: draft.components,
    suffix: {
      mark: copy.mark ?? draft.suffix.mark,
      condition: copy.condition ?? draft.suffix.condition,
    },
  };
}

/** Reads the suffix of `drafts`, which may have one of their own from braces. */
function parseSuffix(stream: TokenStream, drafts: readonly Draft[]): Suffix {
  const mark = stream.accept("?") ?? stream.accept("!");
  if (mark !== null && drafts.some(({ suffix }) => suffix.mark !== null))
    failSaw(mark, "repeated-suffix");
  const hasCondition = stream.accept("if") !== null;
  if (mark === null && !hasCondition) return NO_SUFFIX;
  let condition: Expression | null = null;
  if (hasCondition) {
    if (stream.accept("(") === null) stream.failExpected("'('");
    condition = stream.parseExpression(stream);
    if (stream.accept(")") === null) stream.failExpected("')'");
    if (drafts.some(({ suffix }) => suffix.condition !== null)) stream.fail("repeated-condition");
  }
  return { mark: mark === null ? null : mark.text === "!" ? "!" : "?", condition };
}

function isComponentPart(token: Token | null): token is Token {
  if (token === null) return false;
  if (token.kind === "operator") return token.text === "*";
  return token.kind === "identifier" || token.kind === "keyword";
}

function parseComponent(stream: TokenStream, first: Token): ProbeComponent {
  if (!isComponentPart(first)) return stream.fail("expected", "identifier or '*' or '{'");
  let name = first.text;
  let end = first.span;
  for (let part = stream.peek(); isComponentPart(part); part = stream.peek()) {
    if (part.spaced) break;
    name += part.text;
    end = part.span;
    stream.next();
  }
  const span = { ...first.span, end: end.end };
  if (stream.accept("(") === null)
    return { kind: "component", id: newNodeId(), span, name, argument: null };
  const argument = parseLiteral(stream);
  stream.expect(")");
  return { kind: "component", id: newNodeId(), span, name, argument };
}
