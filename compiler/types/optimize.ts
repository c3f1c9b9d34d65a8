/**
 * What SystemTap takes out of a program before it decides about types (language.md §19), in its
 * order and with its warnings: dead assignments, statements and branches, operators whose result
 * nobody needs, overloads that are never reached, probes left empty. Rounds until nothing changes;
 * only the first one warns.
 *
 * Requires resolved names. Types are inferred before anything is dropped, so what does not agree is
 * found there, too (since SystemTap 5.4); and again after the first round has elided, for what the
 * rounds wrote anew. What has no type counts only at the end.
 */
import { isCounter } from "../elaborate/perf-points.js";
import type { FunctionSymbol, HandlerSymbol, VariableSymbol } from "../elaborate/symbol.js";
import type { BlockStatement } from "../syntax/ast.js";
import type { Inference } from "./cells.js";
import { hasEffect, impureFunctions } from "./effects.js";
import { dropDeadAssignments, dropDeadStatements, type Elided } from "./elide.js";
import { type Folding, foldConstants } from "./fold.js";
import { functionsOf, infer, reachableFunctions } from "./infer.js";
import { callersIn } from "./tree-facts.js";
import { dropUnreachable } from "./unreachable.js";
import { variableUse } from "./usage.js";
import { type Reduction, reduceStatements } from "./void-context.js";

type ScriptFunction = FunctionSymbol & { body: BlockStatement };
type Owner = HandlerSymbol | ScriptFunction;

/** Optimizes all handlers and functions of `state`, which has all types after it. */
export function optimize(state: Inference): void {
  const settled = nothingSettled();
  let isFirst = true;
  let changed = true;
  infer(state);
  while (changed) {
    changed = elideRound(state, settled, isFirst ? warnOf(state) : () => {});
    changed = reduceRound(state, settled) || changed;
    if (isFirst) infer(state);
    if (state.report.count() > 0) return;
    changed = foldRound(state, settled) || changed;
    changed = dropOverloads(state) || changed;
    isFirst = false;
  }
  dropEmptyProbes(state);
}

/** With -u: only what decides whether names and types must be right. */
export function optimizeLittle(state: Inference): void {
  const settled = nothingSettled();
  reduceRound(state, settled);
  infer(state);
  if (state.report.count() > 0) return;
  while (foldRound(state, settled)) {}
  dropOverloads(state);
}

/** Everything of `state` that has statements. */
function ownersOf(state: Inference): Owner[] {
  return [...state.symbols.handlers, ...functionsOf(state).filter(isScript)];
}

function isScript(symbol: FunctionSymbol): symbol is ScriptFunction {
  return symbol.body.kind === "block";
}

/**
 * Bodies that an edit left as they were, with the number of impure functions then. That number only
 * falls, and as long as it stays the edit has nothing to do.
 */
type Settled = WeakMap<BlockStatement, number>;

/** The settled bodies of each edit. */
interface Settlement {
  readonly assignments: Settled;
  readonly statements: Settled;
  readonly operators: Settled;
  readonly constants: Settled;
}

function nothingSettled(): Settlement {
  const none = (): Settled => new WeakMap();
  return { assignments: none(), statements: none(), operators: none(), constants: none() };
}

/** Replaces bodies by what `edit` makes of them; true if something changed. */
function editBodies(
  owners: readonly Owner[],
  settled: Settled,
  impure: number,
  edit: (body: BlockStatement, owner: Owner) => BlockStatement,
): boolean {
  let changed = false;
  for (const owner of owners) {
    if (settled.get(owner.body) === impure) continue;
    const body = edit(owner.body, owner);
    if (body === owner.body) settled.set(body, impure);
    else changed = true;
    owner.body = body;
  }
  return changed;
}

function elideRound(state: Inference, settled: Settlement, elided: Elided): boolean {
  const { symbols } = state;
  const owners = ownersOf(state);
  const read = readVariables(owners, state);
  const assigned = editBodies(owners, settled.assignments, 0, (body) =>
    dropDeadAssignments(body, read, symbols, elided),
  );
  const impure = impureFunctions(reachableFunctions(symbols.handlers, state), symbols);
  const pruned = editBodies(owners, settled.statements, impure.size, (body, owner) => {
    const left = dropDeadStatements(body, { symbols, impure, elided });
    if (!("probes" in owner) && isEmpty(left)) {
      const name = owner.declaration.name;
      elided("elided-function", `side-effect-free function '${name}'`, owner.declaration);
    }
    return left;
  });
  return assigned || pruned;
}

/** Keeps of expressions whose value nobody needs only what they do. */
function reduceRound(state: Inference, settled: Settlement): boolean {
  const { symbols, types } = state;
  const impure = impureFunctions(reachableFunctions(symbols.handlers, state), symbols);
  const reduction: Reduction = { symbols, impure, types, failures: state.targets.failures };
  return editBodies(ownersOf(state), settled.operators, impure.size, (body) =>
    reduceStatements(body, reduction),
  );
}

function isEmpty(body: BlockStatement): boolean {
  return body.statements.length === 0;
}

function readVariables(owners: readonly Owner[], state: Inference): Set<VariableSymbol> {
  const bodies = owners.map((owner) => owner.body);
  return variableUse(bodies, state.symbols).read;
}

/** Warns of what is taken out of the user's scripts. */
function warnOf(state: Inference): Elided {
  return (code, message, node) => {
    if (!node.span.file.library) state.report.warn({ code, message, node });
  };
}

function foldRound(state: Inference, settled: Settlement): boolean {
  const { symbols } = state;
  const impure = impureFunctions(reachableFunctions(symbols.handlers, state), symbols);
  const folding: Folding = {
    acts: (node) => hasEffect(node, impure, symbols),
    types: state.types,
  };
  return editBodies(ownersOf(state), settled.constants, impure.size, (body) =>
    dropUnreachable(foldConstants(body, folding)),
  );
}

/** Calls keep the overloads up to the first that never passes on. */
function dropOverloads(state: Inference): boolean {
  const { symbols } = state;
  let changed = false;
  for (const { body } of ownersOf(state)) {
    for (const node of callersIn(body, symbols)) {
      const overloads = node.kind === "call" ? (symbols.calls.get(node.id) ?? []) : [];
      const last = overloads.findIndex((overload) => !overload.usesNext);
      if (last < 0 || last === overloads.length - 1) continue;
      symbols.calls.set(node.id, overloads.slice(0, last + 1));
      changed = true;
    }
  }
  return changed;
}

/** Drops handlers that do nothing; those of counters never run anyway. */
function dropEmptyProbes(state: Inference): void {
  const { handlers } = state.symbols;
  const isNeeded = ({ body, probes }: HandlerSymbol): boolean =>
    !isEmpty(body) || probes.some(({ site }) => isCounter(site.point));
  const kept = handlers.filter((handler) => isNeeded(handler));
  const empty = handlers.filter((handler) => !isNeeded(handler));
  for (const { declaration, site } of empty.flatMap((handler) => handler.probes)) {
    if (declaration.span.file.library) continue;
    const message = `Probe '${site.point.components[0]?.name ?? ""}' has been elided`;
    state.report.warn({ code: "elided-probe", message, node: declaration });
  }
  handlers.splice(0, handlers.length, ...kept);
}
