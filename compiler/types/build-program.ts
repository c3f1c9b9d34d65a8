/** Side tables of inference → Program: symbols become Globals, Locals and FunctionInstances. */
import { bug } from "../../base/assert.js";
import type { DerivedProbe } from "../elaborate/derive.js";
import { forEachNode } from "../elaborate/rewrite.js";
import type { FunctionSymbol, HandlerSymbol, VariableSymbol } from "../elaborate/symbol.js";
import { type EmbeddedCode, type Node, type NodeId, newNodeId } from "../syntax/ast.js";
import { cellsOf, type Inference, resultOf } from "./cells.js";
import { reachableFunctions } from "./infer.js";
import type { Location } from "./location.js";
import type {
  FunctionInstance,
  Global,
  Handler,
  Local,
  Probe,
  Program,
  ScalarType,
  StatUse,
  Type,
  Variable,
} from "./program.js";

/** What a program is made of besides the tables of `state`. */
export interface ProgramParts {
  /** Top-level embedded code. */
  readonly embedded: readonly EmbeddedCode[];
  /** Initial values from outside (-G). */
  readonly given: ReadonlyMap<string, string>;
  readonly state: Inference;
  readonly handlers: readonly HandlerSymbol[];
  readonly statUses: ReadonlyMap<VariableSymbol, StatUse>;
  readonly counters: Program["counters"];
}

interface Building extends ProgramParts {
  readonly used: ReadonlySet<VariableSymbol>;
  readonly converted: Map<VariableSymbol, Variable>;
}

/** The program of `parts`; everything unreachable is left out. */
export function buildProgram(parts: ProgramParts): Program {
  const { state, handlers } = parts;
  const functions = reachableFunctions(handlers, state);
  const roots = [
    ...handlers.flatMap((handler): Node[] => [...handler.conditions, handler.body]),
    ...functions.map((symbol) => symbol.body),
  ];
  const building: Building = { ...parts, used: usedVariables(roots, state), converted: new Map() };
  const instances = new Map(functions.map((f) => [f, functionInstance(f, building)] as const));
  const tables = sideTables(roots, instances, building);
  return {
    globals: usedGlobals(building),
    embedded: parts.embedded,
    counters: parts.counters,
    functions: [...instances.values()],
    ...probesOf(handlers, building),
    ...tables,
  };
}

function probesOf(
  symbols: readonly HandlerSymbol[],
  building: Building,
): Pick<Program, "handlers" | "probes"> {
  const handlers: Handler[] = [];
  const handlerAt = new Map<DerivedProbe, Handler>();
  for (const symbol of symbols) {
    const handler = handlerOf(symbol, building);
    handlers.push(handler);
    for (const derived of symbol.probes) handlerAt.set(derived, handler);
  }
  const probes = building.state.symbols.probes.flatMap((derived) => {
    const handler = handlerAt.get(derived);
    return handler === undefined ? [] : [probeOf(derived, handler)];
  });
  return { handlers, probes };
}

function usedVariables(roots: readonly Node[], state: Inference): Set<VariableSymbol> {
  const used = new Set<VariableSymbol>();
  for (const root of roots) {
    forEachNode(root, (node) => {
      const variable = state.symbols.variables.get(node.id);
      if (variable) used.add(variable);
    });
  }
  return used;
}

/** In the order of their first mention. */
function usedGlobals(building: Building): Global[] {
  const symbols = building.state.symbols.globals.filter((symbol) => building.used.has(symbol));
  return symbols.map((symbol) => globalFor(symbol, building));
}

function globalFor(symbol: VariableSymbol, building: Building): Global {
  const variable = convert(symbol, building);
  return variable.kind === "global" ? variable : bug(`'${symbol.name}' is not a global`);
}

function convert(symbol: VariableSymbol, building: Building): Variable {
  const known = building.converted.get(symbol);
  if (known) return known;
  const variable =
    symbol.kind === "global" ? globalOf(symbol, building) : localOf(symbol, null, building);
  building.converted.set(symbol, variable);
  return variable;
}

function globalOf(symbol: VariableSymbol, building: Building): Global {
  const cells = cellsOf(symbol, building.state);
  const declaration = symbol.declaration ?? bug(`global '${symbol.name}' without declaration`);
  const type = valueType(cells.value.type);
  const noUse: StatUse = { histogram: { kind: "none" }, varianceShift: 0 };
  return {
    kind: "global",
    name: symbol.name,
    span: declaration.span,
    type,
    keys: cells.keys.map((key) => scalarType(key.type)),
    wrap: declaration.wrap,
    capacity: declaration.size,
    initial: givenValue(symbol, type, building) ?? declaration.initial,
    stat: type === "stats" ? (building.statUses.get(symbol) ?? noUse) : null,
    library: symbol.library,
  };
}

/** Literal for `-G name=value`, null if there is none or if it does not fit the type. */
function givenValue(
  symbol: VariableSymbol,
  type: Global["type"],
  building: Building,
): Global["initial"] {
  const isHidden = symbol.library && symbol.declaration?.isPrivate === true;
  const text = isHidden ? undefined : building.given.get(symbol.name);
  if (text === undefined) return null;
  const { span } = symbol.place;
  const isScalar = (symbol.arity ?? 0) === 0;
  if (type === "string" && isScalar) return { kind: "string", id: newNodeId(), span, value: text };
  if (type === "long" && isScalar && /^-?(0x[0-9a-f]+|\d+)$/i.test(text)) {
    const magnitude = BigInt(text.replace(/^-/, ""));
    const value = BigInt.asIntN(64, text.startsWith("-") ? -magnitude : magnitude);
    return { kind: "number", id: newNodeId(), span, value };
  }
  const message = isScalar
    ? `invalid value '${text}' for ${type} global '${symbol.name}'`
    : "only scalar globals can be initialized";
  building.state.report.error({ code: "invalid-initial", message, node: symbol.place });
  return null;
}

function localOf(symbol: VariableSymbol, parameter: number | null, building: Building): Local {
  const { value } = cellsOf(symbol, building.state);
  return { kind: "local", name: symbol.name, type: scalarType(value.type), parameter };
}

function valueType(type: Type | null): Global["type"] {
  return type === "string" || type === "stats" ? type : "long";
}

function scalarType(type: Type | null): ScalarType {
  return type === "string" ? "string" : "long";
}

/** A primitive of the library gives what it is declared to, whatever its callers want of it. */
function resultIn(symbol: FunctionSymbol, state: Inference): Type | null {
  const isPrimitive = symbol.library && symbol.body.kind === "embedded";
  return isPrimitive ? symbol.declaration.type : resultOf(symbol, state).type;
}

function functionInstance(symbol: FunctionSymbol, building: Building): FunctionInstance {
  const parameters = symbol.parameters.map((parameter, i) => {
    const local = localOf(parameter, i, building);
    building.converted.set(parameter, local);
    return local;
  });
  const result = resultIn(symbol, building.state);
  return {
    kind: "function",
    name: symbol.declaration.name,
    uniqueName: symbol.uniqueName,
    orderName: symbol.orderName,
    span: symbol.declaration.span,
    result: result === null ? "void" : scalarType(result),
    parameters,
    locals: localsOf(symbol.locals, building),
    body: symbol.body,
    usesNext: symbol.usesNext,
  };
}

function localsOf(symbols: readonly VariableSymbol[], building: Building): Local[] {
  return symbols
    .filter((symbol) => building.used.has(symbol))
    .map((symbol) => {
      const variable = convert(symbol, building);
      return variable.kind === "local" ? variable : bug(`'${symbol.name}' is not a local`);
    });
}

function handlerOf(symbol: HandlerSymbol, building: Building): Handler {
  const [first] = symbol.probes;
  return {
    kind: "handler",
    span: (first ?? bug("a handler without probes")).declaration.span,
    points: symbol.probes.map(({ site }) => site.place),
    conditions: symbol.conditions,
    body: symbol.body,
    locals: localsOf(symbol.locals, building),
    timing: symbol.timing && globalFor(symbol.timing, building),
  };
}

function probeOf(derived: DerivedProbe, handler: Handler): Probe {
  const { name, mark, written, origins, site, declaration } = derived;
  const { type, place: point, isReturn } = site;
  return { name, mark, written, origins, type, span: declaration.span, point, isReturn, handler };
}

type SideTables = Pick<Program, "types" | "variables" | "calls" | "locations">;

function sideTables(
  roots: readonly Node[],
  instances: ReadonlyMap<FunctionSymbol, FunctionInstance>,
  building: Building,
): SideTables {
  const { state } = building;
  const variables = new Map<NodeId, Variable>();
  const calls = new Map<NodeId, readonly FunctionInstance[]>();
  const locations = new Map<NodeId, Location>();
  for (const root of roots) {
    forEachNode(root, (node) => {
      const symbol = state.symbols.variables.get(node.id);
      if (symbol) variables.set(node.id, convert(symbol, building));
      const location = state.targets.values.get(node.id)?.location ?? locationOf(node);
      if (location) locations.set(node.id, location);
      const overloads = state.symbols.calls.get(node.id);
      if (overloads === undefined) return;
      calls.set(
        node.id,
        overloads.map((f) => instances.get(f) ?? bug(`no instance of '${f.uniqueName}'`)),
      );
    });
  }
  return { types: state.types, variables, calls, locations };
}

/** @uregister(n) and @uderef(size, address). */
function locationOf(node: Node): Location | null {
  if (node.kind === "register" && node.index.kind === "number") {
    const register = Number(node.index.value);
    return { kind: "register", register, bytes: 8, shift: 0, signed: false };
  }
  if (node.kind !== "deref" || node.size.kind !== "number") return null;
  const bytes = Number(node.size.value);
  if (bytes !== 1 && bytes !== 2 && bytes !== 4 && bytes !== 8) return null;
  return { kind: "load", address: { kind: "operand", index: 1 }, bytes, signed: false };
}
