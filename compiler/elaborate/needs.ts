/** What functions need from where they are called, themselves or by functions that they call. */
import type { FunctionDeclaration, Node } from "../syntax/ast.js";
import { hasPragma } from "../syntax/pragmas.js";
import type { Definitions } from "./library.js";
import { forEachNode } from "./rewrite.js";
import { dependsOnPlace } from "./specialize.js";

/** Answers about functions; each is found out once. */
export interface Needs {
  /** True if the function uses `$variables` or other things of the probe. */
  isDependent(declaration: FunctionDeclaration): boolean;
  /** True if a function that `body` calls depends on the probe. */
  callsDependent(body: Node): boolean;
  /** True if the function is embedded code that needs -g. */
  isGuruOnly(declaration: FunctionDeclaration): boolean;
}

/** The needs of the functions of `definitions`. */
export function createNeeds(definitions: Definitions): Needs {
  const isDependent = reaching(({ body }) => dependsOnPlace(body), definitions);
  return {
    isDependent,
    callsDependent: (body) => calledBy(body, definitions).some(isDependent),
    isGuruOnly: reaching(
      ({ body }) => body.kind === "embedded" && hasPragma(body, "guru"),
      definitions,
    ),
  };
}

/** Whether `test` holds of a function or of one that it may call. */
function reaching(
  test: (declaration: FunctionDeclaration) => boolean,
  definitions: Definitions,
): (declaration: FunctionDeclaration) => boolean {
  const known = new Map<FunctionDeclaration, boolean>();
  return (declaration) => {
    const answer = known.get(declaration);
    if (answer !== undefined) return answer;
    const reached = new Set([declaration]);
    for (const next of reached) {
      if (test(next)) {
        known.set(declaration, true);
        return true;
      }
      for (const callee of calledBy(next.body, definitions)) reached.add(callee);
    }
    for (const each of reached) known.set(each, false);
    return false;
  };
}

function calledBy(body: Node, definitions: Definitions): FunctionDeclaration[] {
  const called: FunctionDeclaration[] = [];
  forEachNode(body, (node) => {
    if (node.kind !== "call") return;
    const entries = definitions.functions(node.name, node.span.file);
    called.push(...entries.map(({ declaration }) => declaration));
  });
  return called;
}
