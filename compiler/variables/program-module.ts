/**
 * What can be named in a program or library without a place in its code: global variables, types
 * and enumerators, by compile unit (DWARF 5 §3.2, §4.1, §5). Everything is indexed once per unit,
 * when it is asked for.
 */
import type { BundleModule } from "../../wasm-runtime/bundle.js";
import { type DebugInfo, openDebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { DieId } from "../dwarf/native.js";
import type { Unit } from "../dwarf/units.js";
import { wildcard } from "../elf/glob.js";
import type { Module } from "../elf/read.js";
import { objectOf } from "./object.js";
import { createTypeReader, type TypeReader } from "./read-type.js";

/** A module with debug information. */
export interface ProgramModule {
  readonly module: Module;
  readonly info: DebugInfo;
  readonly types: TypeReader;
  /** For load biases. */
  readonly reference: BundleModule;
  /** Names of `unit`. */
  names(unit: Unit): UnitNames;
  /** Looks in `first`, then in all other units that name `name`; what `choose` gives first. */
  find<T>(
    name: string,
    first: Unit | null,
    choose: (names: UnitNames, unit: Unit) => T | null,
  ): T | null;
}

/** DIEs by their names without namespaces, in the order of the unit. */
export interface UnitNames {
  readonly types: ReadonlyMap<string, readonly Die[]>;
  readonly variables: ReadonlyMap<string, readonly Die[]>;
  readonly enumerators: ReadonlyMap<string, readonly Die[]>;
}

const known = new Map<string, ProgramModule | null>();

/** `module` with its debug information, null if it has none. Throws TargetError if it is damaged. */
export function programModule(module: Module): ProgramModule | null {
  const found = known.get(module.path);
  if (found !== undefined) return found;
  const info = openDebugInfo(module.file, module.sysroot);
  const opened = info === null ? null : openModuleNames(module, info);
  known.set(module.path, opened);
  return opened;
}

/** The definition of the type that @cast calls `text`: `name` or `struct name`. */
export function findType(program: ProgramModule, text: string, first: Unit | null): Die | null {
  const [, keyword, path = ""] = /^(?:(struct|union|class|enum)\s+)?(.*)$/.exec(text.trim()) ?? [];
  const name = path.split("::").at(-1) ?? path;
  return program.find(name, first, ({ types }) => {
    const named = types.get(name) ?? [];
    const fits = named.filter(
      (die) => isOfKind(die, keyword) && (name === path || hasPath(die, path, program.info)),
    );
    return fits[0] ?? null;
  });
}

/** A global variable `name`, in the file `file` (as SystemTap compares names of units) if given. */
export function findGlobal(
  program: ProgramModule,
  name: string,
  file: string | null,
  first: Unit | null,
): { readonly die: Die; readonly unit: Unit } | null {
  const { info } = program;
  const last = name.split("::").at(-1) ?? name;
  return program.find(last, first, ({ variables }, unit) => {
    const die = (variables.get(last) ?? []).find(
      (each) =>
        isDefined(each, info) &&
        (last === name || hasPath(each, name, info)) &&
        (file === null || isUnit(sourceUnit(each, info) ?? unit, file)),
    );
    return die === undefined ? null : { die, unit };
  });
}

/** The DIE that says where the global variable `die` is: itself, or the definition of that name. */
export function definitionOf(program: ProgramModule, die: Die, name: string): Die {
  if (isDefined(die, program.info)) return die;
  return findGlobal(program, name, null, null)?.die ?? die;
}

/** Value of the enumerator `name`. */
export function findEnumerator(
  program: ProgramModule,
  name: string,
  first: Unit | null,
): bigint | null {
  return program.find(name, first, ({ enumerators }) => {
    const [die] = enumerators.get(name) ?? [];
    return die === undefined ? null : enumeratorValue(die, program.info);
  });
}

/** Value of an enumerator. */
export function enumeratorValue(die: Die, info: DebugInfo): bigint | null {
  const value = info.attribute(die, "const_value");
  return value?.kind === "constant" ? value.signed : null;
}

function openModuleNames(module: Module, info: DebugInfo): ProgramModule {
  const indexes = new Map<DieId, UnitNames>();
  const names = (unit: Unit): UnitNames => {
    const found = indexes.get(unit.skeleton.id) ?? indexUnit(unit, info);
    indexes.set(unit.skeleton.id, found);
    return found;
  };
  const program: ProgramModule = {
    module,
    info,
    types: createTypeReader(info, {
      findDefinition: (keyword, name) => findType(program, `${keyword} ${name}`, null),
      staticPlace: (die) =>
        objectOf(program, definitionOf(program, die, info.qualifiedName(die)), null).place,
    }),
    reference: { path: module.path, buildId: module.image.buildId },
    names,
    find(name, first, choose) {
      const near = first === null ? null : choose(names(first), first);
      if (near !== null) return near;
      for (const unit of info.unitsNaming(name)) {
        const found = choose(names(unit), unit);
        if (found !== null) return found;
      }
      return null;
    },
  };
  return program;
}

interface Index {
  readonly info: DebugInfo;
  readonly types: Map<string, Die[]>;
  readonly variables: Map<string, Die[]>;
  readonly enumerators: Map<string, Die[]>;
  readonly seen: Set<DieId>;
}

function indexUnit(unit: Unit, info: DebugInfo): UnitNames {
  const index: Index = {
    info,
    types: new Map(),
    variables: new Map(),
    enumerators: new Map(),
    seen: new Set(),
  };
  indexChildren(unit.die.id, index);
  return index;
}

function indexChildren(id: DieId, index: Index): void {
  if (index.seen.has(id)) return;
  index.seen.add(id);
  for (const child of index.info.children(id)) indexDie(child, index);
}

function indexDie(named: Die, index: Index): void {
  const { info } = index;
  // What is in a type unit is only declared in the compile unit.
  const die = info.reference(named, "signature") ?? named;
  switch (die.tag) {
    case "structure_type":
    case "class_type":
    case "union_type":
    case "interface_type":
      if (!info.flag(die, "declaration")) addName(die, index.types, info);
      // Classes have types and constants of their own.
      indexChildren(die.id, index);
      return;
    case "enumeration_type":
      if (!info.flag(die, "declaration")) addName(die, index.types, info);
      for (const each of info.children(die.id)) addName(each, index.enumerators, info);
      return;
    case "typedef":
    case "base_type":
      addName(die, index.types, info);
      return;
    case "variable":
      addName(die, index.variables, info);
      return;
    case "namespace":
    case "module":
      indexChildren(die.id, index);
      return;
    case "imported_unit": {
      const unit = info.reference(die, "import");
      if (unit !== null) indexChildren(unit.id, index);
      return;
    }
    default:
  }
}

function addName(die: Die, names: Map<string, Die[]>, info: DebugInfo): void {
  const name = info.text(die, "name");
  if (name === null) return;
  const named = names.get(name);
  if (named === undefined) names.set(name, [die]);
  else named.push(die);
}

function isOfKind(die: Die, keyword: string | undefined): boolean {
  switch (keyword) {
    case undefined:
      return true;
    case "enum":
      return die.tag === "enumeration_type";
    case "union":
      return die.tag === "union_type";
    default:
      return die.tag === "structure_type" || die.tag === "class_type";
  }
}

function hasPath(die: Die, path: string, info: DebugInfo): boolean {
  const qualified = info.qualifiedName(die);
  return qualified === path || qualified.endsWith(`::${path}`);
}

/** The unit that names `die`: link-time optimization puts code and variables into units of its own. */
export function sourceUnit(die: Die, info: DebugInfo): Unit | null {
  const named = info.owner(die, "name");
  return named === null ? null : info.unitOf(named.id);
}

/** True if the variable has a place or a value: it is not only declared. */
function isDefined(die: Die, info: DebugInfo): boolean {
  return info.owner(die, "location") !== null || info.owner(die, "const_value") !== null;
}

/** True if `file` is the name of the unit; below a directory it may have wildcards, as in SystemTap. */
function isUnit(unit: Unit, file: string): boolean {
  return unit.name === file || wildcard(`*/${file}`).test(unit.name);
}
