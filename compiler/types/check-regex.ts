/** Regular expressions that cannot be read are errors, unless they were elided (language.md §16). */
import { forEachNode } from "../elaborate/rewrite.js";
import { parseRegex } from "../regex/parse.js";
import { RegexError } from "../regex/syntax.js";
import type { Node, StringLiteral } from "../syntax/ast.js";
import type { Inference } from "./cells.js";

/** Reports each regular expression in `bodies` that is malformed. */
export function checkRegexes(bodies: readonly Node[], state: Inference): void {
  for (const body of bodies) {
    forEachNode(body, (node) => {
      if (node.kind === "match") checkRegex(node.regex, state);
    });
  }
}

function checkRegex(node: StringLiteral, state: Inference): void {
  try {
    parseRegex(node.value);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    const message = `regex compilation error${error.message}`;
    state.report.error({ code: "bad-regex", message, node });
  }
}
