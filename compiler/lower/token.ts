/** Kinds of tokens as messages name them (language reference §1). */

import { isKeyword } from "../syntax/keywords.js";

/** Kind of the token with the source text `text`. */
export function tokenType(text: string): string {
  if (isKeyword(text)) return "keyword";
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
