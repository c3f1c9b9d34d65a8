/**
 * Arguments of the command line that no script uses, as SystemTap tells at the end of pass 2. The
 * variables argc, argv and argv_1 … of the library stand for all of them.
 */
import type { Diagnostic } from "../../base/diagnostic.js";
import { message } from "../../base/messages.js";
import type { Script } from "../syntax/ast.js";
import { contains } from "../syntax/walk.js";

/** A warning for each of `args` that `scripts` leave unused. */
export function unusedArguments(
  scripts: readonly Script[],
  args: readonly string[],
): readonly Diagnostic[] {
  if (args.length === 0 || scripts.some(usesArgv)) return [];
  const numbers = args.map((_argument, index) => index + 1);
  const isUsed = (number: number): boolean =>
    scripts.some(({ argumentsUsed }) => argumentsUsed.has(number));
  return numbers.filter((number) => !isUsed(number)).map(warningOf);
}

function warningOf(number: number): Diagnostic {
  return {
    code: "unused-argument",
    severity: "warning",
    message: message("unused-argument", [number]),
    span: null,
    token: "",
    notes: [],
  };
}

function usesArgv(script: Script): boolean {
  const declarations = [...script.probes, ...script.aliases, ...script.functions];
  return declarations.some((declaration) =>
    contains(
      declaration,
      (node) => node.kind === "identifier" && /^arg(?:c|v(?:_\d+)?)$/.test(node.name),
    ),
  );
}
