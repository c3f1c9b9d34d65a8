/**
 * What scripts name by module instead of by place: @cast, @var("…", "module"), @enum. The module is
 * a program or library; several are tried in their order, separated by `:` (language.md §15).
 */
import { TargetError } from "../../base/target-error.js";
import { ResolutionError } from "../elaborate/report.js";
import type { TargetUse, TargetValue } from "../elaborate/site.js";
import { findExecutables, findLibraries, type SearchContext } from "../elf/find.js";
import { type Module, openModule } from "../elf/read.js";
import type { AccessStep, CastExpression, EnumExpression, TargetSymbol } from "../syntax/ast.js";
import { constant, type EnumeratorNames, type Location } from "../types/location.js";
import { headerModule, isHeader } from "./header-types.js";
import { objectOf } from "./object.js";
import {
  findEnumerator,
  findGlobal,
  findType,
  type ProgramModule,
  programModule,
} from "./program-module.js";
import { castValue, enumeratorsOf, pointedValue, targetValue } from "./target-value.js";
import { constantObject, noGlobal } from "./targets.js";

/** Where modules come from. */
export interface ModuleFinder {
  /** The program, library or header `name`; null if there is none. */
  readonly find: (name: string) => Module | null;
  /** For those who name none. */
  readonly module: Module | null;
}

/** What a script calls `name`: a path, or the name of a program or library, or a header. */
export function findModule(name: string, search: SearchContext): Module | null {
  if (name.startsWith("kernel")) return null;
  try {
    if (isHeader(name)) {
      search.onSearch?.({ kind: "header", name, searchPath: [], found: [] });
      return headerModule(name);
    }
    const [path] = [...findExecutables(name, search), ...findLibraries(name, [], search)];
    return path === undefined ? null : openModule(path, search.sysroot);
  } catch (error) {
    if (error instanceof TargetError) return null;
    throw error;
  }
}

/** Value of a cast. Throws ResolutionError. */
export function resolveCast(
  node: CastExpression,
  use: TargetUse,
  modules: ModuleFinder,
): TargetValue {
  for (const program of programs(node.module, modules)) {
    const die = findType(program, node.type, null);
    if (die !== null) return castValue(program.types.typeAt(die), node.steps, use, node);
  }
  throw new ResolutionError("unresolved-type", noType(node.type, node.module, modules), node);
}

/** A value that is used as @cast(value, type) would be. */
export interface TypedValue {
  readonly value: Location;
  readonly type: string;
  /** Indexes are operands from 0 on. */
  readonly steps: readonly AccessStep[];
  readonly node: TargetSymbol;
}

/** What `steps` lead to from a value that points at a type of `module`. Throws ResolutionError. */
export function resolveTyped(typed: TypedValue, use: TargetUse, module: Module): TargetValue {
  const { type, steps, node } = typed;
  const finder: ModuleFinder = { find: () => null, module };
  for (const program of programs(null, finder)) {
    const die = findType(program, type, null);
    if (die === null) continue;
    const pointer = { value: typed.value, type: program.types.typeAt(die), node };
    return pointedValue(pointer, steps, 0, use);
  }
  throw new ResolutionError("unresolved-type", noType(type, null, finder), node);
}

/** Says that `type` is not in what a script calls `where`. */
function noType(type: string, where: string | null, { find, module }: ModuleFinder): string {
  const message = `type definition '${type}' not found in '${where ?? module?.path ?? ""}'`;
  const isMissing = where?.split(":").some((name) => isHeader(name) && find(name) === null);
  return isMissing === true
    ? `${message} (a C compiler and the header would tell; so does a program or library that has the type)`
    : message;
}

/** Value of a @var that names its module. Throws ResolutionError. */
export function resolveModuleVariable(
  node: TargetSymbol,
  use: TargetUse,
  modules: ModuleFinder,
): TargetValue {
  const [name = "", file = null] = node.name.split("@");
  for (const program of programs(node.module, modules)) {
    const object = globalObject(program, name, file);
    if (object !== null) return targetValue({ ...object, node }, node.steps, 0, use);
  }
  throw new ResolutionError("unresolved-target", notInModules(node, modules), node);
}

/** Says that a @var is not in the last of its modules; headers have none. */
function notInModules(
  { name, module: names }: TargetSymbol,
  { find, module }: ModuleFinder,
): string {
  const last = names === null ? null : (names.split(":").at(-1) ?? "");
  if (last !== null && (isHeader(last) || last.startsWith("kernel"))) return UNRESOLVED;
  const path = (last === null ? module : find(last))?.path ?? last;
  return path === null ? UNRESOLVED : noGlobal(name, path);
}

const UNRESOLVED = "unresolved @var() expression";

function globalObject(
  program: ProgramModule,
  name: string,
  file: string | null,
): ReturnType<typeof objectOf> | null {
  const global = findGlobal(program, name, file, null);
  if (global !== null) return objectOf(program, global.die, null);
  const value = file === null ? findEnumerator(program, name, null) : null;
  return value === null ? null : constantObject(value);
}

/** Value of @enum("NAME"). Throws ResolutionError. */
export function resolveEnumerator(node: EnumExpression, modules: ModuleFinder): TargetValue {
  const [name] = node.args;
  if (name?.kind !== "string") {
    throw new ResolutionError("unresolved-target", "expected the name of an enumerator", node);
  }
  for (const program of programs(null, modules)) {
    const value = findEnumerator(program, name.value, null);
    if (value !== null) return { type: "long", location: constant(value) };
  }
  const message = `unable to find enumerator '${name.value}'`;
  throw new ResolutionError("unresolved-target", message, node);
}

/**
 * Value of @enumname(VALUE[, "type"[, "module"]]), where `value` is that of the first argument if it
 * is a variable, whose type counts if none is named. Throws ResolutionError.
 */
export function resolveEnumeratorName(
  node: EnumExpression,
  value: TargetValue | undefined,
  modules: ModuleFinder,
): TargetValue {
  const names = namesMeant(node, modules) ?? value?.enumerators?.();
  if (names === undefined) {
    const message = "unknown enumeration of '@enumname' (name its type)";
    throw new ResolutionError("unresolved-type", message, node);
  }
  const operand: Location = { kind: "operand", index: 0 };
  const pieces = [{ value: operand, conversion: "name", names } as const];
  return { type: "string", location: { kind: "format", pieces, onFault: null } };
}

/** The names of the type that `node` names, null if it names none. */
function namesMeant({ args }: EnumExpression, modules: ModuleFinder): EnumeratorNames | null {
  const [, type, module] = args;
  if (type?.kind !== "string") return null;
  const where = module?.kind === "string" ? module.value : null;
  for (const program of programs(where, modules)) {
    const die =
      findType(program, `enum ${type.value}`, null) ?? findType(program, type.value, null);
    const names = die === null ? null : enumeratorsOf(program.types.typeAt(die));
    if (names) return names();
  }
  throw new ResolutionError("unresolved-type", noType(type.value, where, modules), type);
}

/**
 * The modules with debug information that `names` means, in order. What a header has is looked for
 * in the probed module first, which may have been compiled with it.
 */
function* programs(
  names: string | null,
  { find, module }: ModuleFinder,
): Generator<ProgramModule, void> {
  const finders = (names?.split(":") ?? []).flatMap((name): (() => Module | null)[] =>
    isHeader(name) ? [() => module, () => find(name)] : [() => find(name)],
  );
  for (const found of names === null ? [() => module] : finders) {
    const each = found();
    const program = each === null ? null : open(each);
    if (program !== null) yield program;
  }
}

function open(module: Module): ProgramModule | null {
  try {
    return programModule(module);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new ResolutionError("unreadable-debuginfo", error.message);
  }
}
