/**
 * Globals in embedded code: for each that a pragma names, a script function get_NAME or set_NAME
 * through which the code reaches it. So types, locks and what is read or written follow as for
 * any other function.
 */
import type { CompileContext } from "../../base/stage.js";
import type { EmbeddedCode } from "../syntax/ast.js";
import { hasPragma, pragmaGlobals } from "../syntax/pragmas.js";
import type { DefinitionSource, Definitions } from "./library.js";
import type { Reporter } from "./report.js";
import type { Resolver } from "./resolve.js";
import type { FunctionSymbol } from "./symbol.js";
import { parseSynthesized } from "./synthesize.js";

/** What accessors are made from. */
export interface AccessorContext {
  readonly context: CompileContext;
  readonly library: DefinitionSource;
  readonly definitions: Definitions;
  readonly resolver: Resolver;
  readonly report: Reporter;
}

/** Makes the accessors of `code` and records them as its calls. */
export function addAccessors(code: EmbeddedCode, from: AccessorContext): void {
  const { resolver, report } = from;
  if (hasPragma(code, "stable") && !hasPragma(code, "pure")) {
    const message = "stable function must also be /* pure */";
    report.error({ code: "stable-impure", message, node: code });
  }
  const accessors = (["read", "write"] as const).flatMap((access) =>
    pragmaGlobals(code, access).flatMap((name) => accessorOf(name, access, code, from) ?? []),
  );
  if (accessors.length > 0) resolver.table.calls.set(code.id, accessors);
}

function accessorOf(
  name: string,
  access: "read" | "write",
  code: EmbeddedCode,
  from: AccessorContext,
): FunctionSymbol | null {
  const { context, definitions, library, report, resolver } = from;
  const declared = definitions.global(name, code.span.file, code.span.file.library);
  if (declared === null) {
    const message = `unresolved pragma:${access} global ${name}`;
    report.error({ code: "unresolved-pragma", message, node: code });
    return null;
  }
  const variable = resolver.table.globals.find((g) => g.declaration === declared.declaration);
  const text = accessorText(name, access, variable?.arity ?? 0);
  const script = parseSynthesized(text, library, context);
  const [declaration] = script.functions;
  definitions.adopt(script.file, code.span.file);
  return declaration === undefined ? null : resolver.addFunction({ declaration, script });
}

function accessorText(name: string, access: "read" | "write", arity: number): string {
  const keys = Array.from({ length: arity }, (_, index) => `__key${index}`);
  const element = arity === 0 ? name : `${name}[${keys.join(", ")}]`;
  return access === "read"
    ? `function get_${name}(${keys.join(", ")}) { return ${element} }`
    : `function set_${name}(${[...keys, "__value"].join(", ")}) { ${element} = __value }`;
}
