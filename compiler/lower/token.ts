/** Kinds of tokens as messages name them (language reference §1). */

const KEYWORDS: ReadonlySet<string> = new Set([
  "probe",
  "global",
  "private",
  "function",
  "if",
  "else",
  "for",
  "foreach",
  "in",
  "limit",
  "return",
  "delete",
  "while",
  "break",
  "continue",
  "next",
  "string",
  "long",
  "try",
  "catch",
]);

/** Kind of the token with the source text `text`. */
export function tokenType(text: string): string {
  if (KEYWORDS.has(text)) return "keyword";
  if (/^[A-Za-z_$]/.test(text)) return "identifier";
  if (/^[0-9]/.test(text)) return "number";
  if (text.startsWith('"')) return "string";
  if (text.startsWith("%{")) return "embedded-code";
  return "operator";
}

/** Kind and text of the token with the source text `text`; of some kinds the kind alone. */
export function showToken(text: string): string {
  const type = tokenType(text);
  if (type === "keyword" || type === "embedded-code") return type;
  return `${type} '${type === "string" ? text.replace(/^"|"$/g, "") : text}'`;
}
