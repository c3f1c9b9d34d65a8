/**
 * Resolves names: identifiers to variables, calls to functions. What a script does not define is
 * looked up in the tapset library; functions that are called are resolved in turn, and those that
 * use `$variables` once for each probe that reaches them (language.md §3, §13).
 */
import type {
  BlockStatement,
  CallExpression,
  EmbeddedCode,
  Expression,
  ForeachStatement,
  FunctionDeclaration,
  GlobalDeclaration,
  Identifier,
  Node,
  Script,
} from "../syntax/ast.js";
import { forEachChild } from "../syntax/walk.js";
import type { DerivedProbe } from "./derive.js";
import type { Definitions, LibraryEntry } from "./library.js";
import { createNeeds, type Needs } from "./needs.js";
import { mayPassOn, orderName, overloadChain } from "./overloads.js";
import type { Reporter } from "./report.js";
import type { Surroundings } from "./resolve-target.js";
import { forEachNode } from "./rewrite.js";
import { similar } from "./similar.js";
import { mentionsTargets, specialize } from "./specialize.js";
import {
  compareFunctions,
  type FunctionSymbol,
  type HandlerSymbol,
  type SymbolTable,
  type VariableSymbol,
} from "./symbol.js";

/** Resolves names of the bodies it is given. */
export interface Resolver {
  readonly table: SymbolTable;
  /** Adds a handler at `derived`; `body` and `conditions` are its own copies. */
  addHandler(
    derived: DerivedProbe,
    body: BlockStatement,
    conditions: readonly Expression[],
    surroundings: Surroundings,
  ): HandlerSymbol;
  /** Lets `handler` run at `derived` too. */
  addPlace(derived: DerivedProbe, handler: HandlerSymbol): void;
  /** True if something that `body` calls is made anew for each handler. */
  callsDependent(body: Node): boolean;
  /** The symbol of a function that no script calls by name; null if it depends on the probe. */
  addFunction(entry: LibraryEntry<FunctionDeclaration>): FunctionSymbol | null;
  /** Resolves the bodies of the functions called so far, and of those that they call. */
  resolveFunctions(): void;
}

interface State {
  readonly definitions: Definitions;
  readonly report: Reporter;
  readonly guru: boolean;
  readonly useScript: (script: Script) => void;
  readonly anywhere: Surroundings;
  readonly table: SymbolTable;
  readonly globals: Map<GlobalDeclaration, VariableSymbol>;
  readonly shared: Map<FunctionDeclaration, FunctionSymbol>;
  readonly needs: Needs;
  readonly nameCounts: Map<string, number>;
  /** Functions whose bodies are not resolved yet. */
  pending: Pending[];
}

interface Pending {
  readonly symbol: FunctionSymbol;
  readonly caller: Scope | null;
}

/** The body that names are resolved in. */
interface Scope {
  readonly locals: VariableSymbol[];
  readonly byName: Map<string, VariableSymbol>;
  /** Null in functions that do not depend on the probe. */
  readonly surroundings: Surroundings | null;
  readonly instances: Map<FunctionDeclaration, FunctionSymbol>;
  /** In an arming condition: no locals. */
  readonly isCondition: boolean;
  /** In a function of the library: what it does not declare is its own, not the script's. */
  readonly isSealed: boolean;
}

/** A resolver over `definitions`. */
export function createResolver(
  definitions: Definitions,
  options: {
    readonly report: Reporter;
    readonly guru: boolean;
    readonly useScript: (script: Script) => void;
    /** For functions that do not depend on the probe. */
    readonly anywhere: Surroundings;
  },
): Resolver {
  const table: SymbolTable = {
    globals: [],
    functions: [],
    probes: [],
    handlers: [],
    variables: new Map(),
    calls: new Map(),
  };
  const state: State = {
    ...options,
    definitions,
    table,
    globals: new Map(),
    shared: new Map(),
    needs: createNeeds(definitions),
    nameCounts: new Map(),
    pending: [],
  };
  return {
    table,
    addHandler(derived, body, conditions, surroundings) {
      checkDefined(derived.body, state);
      const handler: HandlerSymbol = {
        kind: "handler",
        probes: [derived],
        conditions,
        body,
        locals: [],
        timing: null,
      };
      table.probes.push(derived);
      addHandler(handler, surroundings, state);
      return handler;
    },
    addPlace(derived, handler) {
      table.probes.push(derived);
      handler.probes.push(derived);
    },
    callsDependent: state.needs.callsDependent,
    addFunction(entry) {
      return state.needs.isDependent(entry.declaration) ? null : sharedFunction(entry, state);
    },
    resolveFunctions() {
      resolvePending(state);
    },
  };
}

function addHandler(handler: HandlerSymbol, surroundings: Surroundings, state: State): void {
  const scope: Scope = {
    locals: handler.locals,
    byName: new Map(),
    surroundings,
    instances: new Map(),
    isCondition: false,
    isSealed: false,
  };
  state.table.handlers.push(handler);
  for (const condition of handler.conditions) {
    visit(condition, { ...scope, isCondition: true }, state);
  }
  visit(handler.body, scope, state);
}

/** By name, as SystemTap does; it decides the order of the globals that only functions mention. */
function resolvePending(state: State): void {
  while (state.pending.length > 0) {
    const batch = state.pending.sort((a, b) => compareFunctions(a.symbol, b.symbol));
    state.pending = [];
    for (const { symbol, caller } of batch) visitFunction(symbol, caller, state);
  }
}

function visit(node: Node, scope: Scope, state: State): void {
  switch (node.kind) {
    case "identifier":
      mention(node, 0, scope, state);
      return;
    case "index":
      if (node.indexes.includes(null)) {
        const message = "wildcard not allowed in array index";
        state.report.error({ code: "misplaced-wildcard", message, node });
        return;
      }
      visitIndexes(node, scope, state);
      return;
    case "in":
      visitIndexes(node, scope, state);
      return;
    case "foreach":
      visitForeach(node, scope, state);
      return;
    case "delete":
      visitDelete(node.target, scope, state);
      return;
    case "try":
      if (node.variable?.name.startsWith("$")) {
        // The text of an error cannot be put into what the program has.
        const message = "unresolved type ";
        state.report.error({ code: "unresolved-type", message, node: node.variable });
      }
      forEachChild(node, (child) => visit(child, scope, state));
      return;
    case "call":
      for (const argument of node.args) visit(argument, scope, state);
      resolveCall(node, scope, state);
      return;
    default:
      forEachChild(node, (child) => visit(child, scope, state));
  }
}

function visitIndexes(
  node: Extract<Node, { kind: "index" | "in" }>,
  scope: Scope,
  state: State,
): void {
  for (const index of node.indexes) if (index) visit(index, scope, state);
  if (node.base.kind === "histogram") visit(node.base, scope, state);
  else mention(node.base, node.indexes.length, scope, state);
}

function visitForeach(node: ForeachStatement, scope: Scope, state: State): void {
  for (const key of node.keys) mention(key, 0, scope, state);
  for (const index of node.slice ?? []) if (index) visit(index, scope, state);
  if (node.base.kind === "histogram") visit(node.base, scope, state);
  else mention(node.base, node.keys.length, scope, state);
  if (node.slice && node.base.kind === "identifier" && node.slice.length !== node.keys.length) {
    missingArray(node.base, node.slice.length, state);
  }
  if (node.value) mention(node.value, 0, scope, state);
  if (node.limit) visit(node.limit, scope, state);
  visit(node.body, scope, state);
}

function visitDelete(target: Expression, scope: Scope, state: State): void {
  if (target.kind === "index") {
    visitIndexes(target, scope, state);
    return;
  }
  if (target.kind !== "identifier") {
    visit(target, scope, state);
    return;
  }
  const variable = scope.byName.get(target.name) ?? findGlobal(target, scope, state);
  if (variable && variable.kind !== "parameter") state.table.variables.set(target.id, variable);
  else {
    state.report.error({
      code: "unresolved-array",
      message: "unresolved array in delete statement",
      node: target,
    });
  }
}

/** Binds an identifier that is used with `arity` keys. */
function mention(node: Identifier, arity: number, scope: Scope, state: State): void {
  const variable = scope.byName.get(node.name) ?? findGlobal(node, scope, state);
  if (variable) {
    state.table.variables.set(node.id, variable);
    checkArity(variable, arity, node, state);
  } else if (arity > 0) missingArray(node, arity, state);
  else if (scope.isCondition) {
    state.report.error({
      code: "condition-undeclared",
      message: "probe condition must not reference undeclared global",
      node,
    });
  } else {
    const local: VariableSymbol = {
      kind: "local",
      name: node.name,
      place: node,
      declaration: null,
      library: node.span.file.library,
      arity: 0,
      arityPlace: node,
    };
    scope.locals.push(local);
    scope.byName.set(node.name, local);
    state.table.variables.set(node.id, local);
  }
}

function missingArray(node: Identifier, arity: number, state: State): void {
  state.report.error({
    code: "unresolved-array",
    message: `unresolved arity-${arity} global array ${node.name}, missing global declaration?`,
    node,
  });
}

function checkArity(variable: VariableSymbol, arity: number, node: Identifier, state: State): void {
  const { declaration } = variable;
  if (variable.kind === "parameter" && arity > 0) missingArray(node, arity, state);
  else if (arity === 0 && declaration !== null && declaration.size !== null) {
    const message = "inconsistent arity";
    state.report.error({ code: "inconsistent-arity", message, node: declaration });
  } else if (variable.arity === null) {
    variable.arity = arity;
    variable.arityPlace = node;
  } else if (variable.arity !== arity) {
    state.report.error({
      code: "inconsistent-arity",
      message: `inconsistent arity (${variable.arity} vs ${arity})`,
      node,
      notes: [
        { message: `arity ${variable.arity} first inferred here`, node: variable.arityPlace },
      ],
    });
  }
}

/** The global that `node` means: of its own file, else of the script, else of the library. */
function findGlobal(node: Identifier, { isSealed }: Scope, state: State): VariableSymbol | null {
  const entry = state.definitions.global(node.name, node.span.file, isSealed);
  if (entry === null) return null;
  const known = state.globals.get(entry.declaration);
  if (known) return known;
  const { declaration, script } = entry;
  const variable: VariableSymbol = {
    kind: "global",
    name: node.name,
    place: declaration,
    declaration,
    library: script.file.library,
    arity: declaration.initial ? 0 : null,
    arityPlace: declaration.initial,
  };
  state.globals.set(declaration, variable);
  state.table.globals.push(variable);
  if (script.file.library) state.useScript(script);
  return variable;
}

function resolveCall(node: CallExpression, scope: Scope, state: State): void {
  if (scope.isCondition && !node.span.file.library) {
    state.report.error({
      code: "condition-function",
      message: "probe condition must not reference function",
      node,
    });
  }
  const named = state.definitions.functions(node.name, node.span.file);
  const entries = named.filter((e) => e.declaration.parameters.length === node.args.length);
  if (entries.length === 0) {
    unresolvedCall(node, named, state);
    return;
  }
  const chain = overloadChain(entries);
  for (const entry of chain) checkGuru(entry, node, state);
  state.table.calls.set(
    node.id,
    chain.map((entry) => functionFor(entry, scope, state)),
  );
}

/**
 * What @defined asks for is left out when a body is specialized; functions and arrays in it must
 * exist all the same.
 */
function checkDefined(body: Node, state: State): void {
  const { definitions } = state;
  forEachNode(body, (node) => {
    if (node.kind !== "defined") return;
    forEachNode(node.operand, (part) => {
      if (part.kind === "call") {
        const named = definitions.functions(part.name, part.span.file);
        const fits = named.some((e) => e.declaration.parameters.length === part.args.length);
        if (!fits) unresolvedCall(part, named, state);
      } else if (part.kind === "index" && part.base.kind === "identifier") {
        const found = definitions.global(part.base.name, part.span.file, false);
        if (found === null) missingArray(part.base, part.indexes.length, state);
      }
    });
  });
}

function unresolvedCall(
  node: CallExpression,
  named: readonly LibraryEntry<FunctionDeclaration>[],
  state: State,
): void {
  const last = named.at(-1)?.declaration;
  if (last === undefined) {
    const names = similar(node.name, state.definitions.functionNames);
    state.report.error({
      code: "unresolved-function",
      message: `unresolved function ${node.name}${names}`,
      node,
    });
    return;
  }
  state.report.error({
    code: "arity-mismatch",
    message: `arity mismatch found (function '${node.name}' takes ${last.parameters.length} args)`,
    node,
    notes: [{ message: "", node: last }],
  });
}

function checkGuru(
  entry: LibraryEntry<FunctionDeclaration>,
  node: CallExpression,
  state: State,
): void {
  if (state.guru || node.span.file.library || !entry.script.file.library) return;
  if (!state.needs.isGuruOnly(entry.declaration)) return;
  state.report.error({
    code: "guru-function",
    message: "function may not be used unless -g is specified",
    node,
  });
}

function functionFor(
  entry: LibraryEntry<FunctionDeclaration>,
  scope: Scope,
  state: State,
): FunctionSymbol {
  const { declaration } = entry;
  if (scope.surroundings === null || !state.needs.isDependent(declaration)) {
    return sharedFunction(entry, state);
  }
  const known = scope.instances.get(declaration);
  if (known) return known;
  const { body } = declaration;
  const own = body.kind === "embedded" ? body : specialize(body, scope.surroundings);
  const symbol = newFunction(entry, own, scope, state);
  scope.instances.set(declaration, symbol);
  return symbol;
}

function sharedFunction(entry: LibraryEntry<FunctionDeclaration>, state: State): FunctionSymbol {
  const known = state.shared.get(entry.declaration);
  if (known) return known;
  const { body } = entry.declaration;
  const isPlain = body.kind === "embedded" || !mentionsTargets(body);
  if (!isPlain) checkDefined(body, state);
  const own = isPlain ? body : specialize(body, state.anywhere);
  const symbol = newFunction(entry, own, null, state);
  state.shared.set(entry.declaration, symbol);
  return symbol;
}

function newFunction(
  entry: LibraryEntry<FunctionDeclaration>,
  body: BlockStatement | EmbeddedCode,
  caller: Scope | null,
  state: State,
): FunctionSymbol {
  const { declaration, script } = entry;
  const count = state.nameCounts.get(declaration.name) ?? 0;
  state.nameCounts.set(declaration.name, count + 1);
  const symbol: FunctionSymbol = {
    declaration,
    uniqueName: count === 0 ? declaration.name : `${declaration.name}.${count}`,
    orderName: orderName(declaration, script),
    library: script.file.library,
    parameters: declaration.parameters.map((place) => ({
      kind: "parameter",
      name: place.name,
      place,
      declaration: null,
      library: script.file.library,
      arity: 0,
      arityPlace: place,
    })),
    locals: [],
    body,
    usesNext: mayPassOn(declaration),
  };
  state.table.functions.push(symbol);
  state.pending.push({ symbol, caller });
  if (script.file.library) state.useScript(script);
  return symbol;
}

function visitFunction(symbol: FunctionSymbol, caller: Scope | null, state: State): void {
  const scope: Scope = {
    locals: symbol.locals,
    byName: new Map(symbol.parameters.map((parameter) => [parameter.name, parameter])),
    surroundings: caller?.surroundings ?? null,
    instances: caller?.instances ?? new Map(),
    isCondition: false,
    isSealed: symbol.library,
  };
  visit(symbol.body, scope, state);
}
