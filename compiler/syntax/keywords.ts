/** Words that the grammar reserves (language.md §1); components of probe points may be such. */

/** Reserved words. */
export const KEYWORDS: ReadonlySet<string> = new Set([
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

/** True for reserved words. */
export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}
