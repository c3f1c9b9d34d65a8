/**
 * Which classes functions take and return by address, whatever their size: those that are not
 * trivial for the purposes of calls (Itanium C++ ABI §1.1, §3.1.2). clang says so; of gcc's classes
 * their member functions and bases do.
 */
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";

/** DW_CC_pass_by_reference, DW_CC_pass_by_value (DWARF 5 §5.7.1). */
const PASS_BY_REFERENCE = 4n;
const PASS_BY_VALUE = 5n;
/** DW_DEFAULTED_in_class (DWARF 5 §5.7.8): what the compiler would do anyway. */
const DEFAULTED_IN_CLASS = 1n;

/** What the class `die` says of that itself; null if it depends on its bases and members. */
export function ownCopying(die: Die, info: DebugInfo): boolean | null {
  const stated = info.constant(die, "calling_convention");
  if (stated === PASS_BY_REFERENCE) return true;
  if (stated === PASS_BY_VALUE) return false;
  const children = info.children(die.id);
  if (children.some((child) => isVirtual(child, info))) return true;
  const functions = children.filter(({ tag }) => tag === "subprogram");
  const isDestructor = (each: Die): boolean => info.text(each, "name")?.startsWith("~") === true;
  if (functions.some((each) => isDestructor(each) && isProvided(each, info))) return true;
  const copying = functions.filter((each) => isCopying(each, die, info));
  if (copying.some((each) => isProvided(each, info) && !isDeleted(each, info))) return true;
  return copying.length > 0 && copying.every((each) => isDeleted(each, info)) ? true : null;
}

/** A virtual function or base. */
function isVirtual(die: Die, info: DebugInfo): boolean {
  const canBe = die.tag === "subprogram" || die.tag === "inheritance";
  return canBe && (info.constant(die, "virtuality") ?? 0n) !== 0n;
}

/** Written by the user, not only asked of the compiler. */
function isProvided(die: Die, info: DebugInfo): boolean {
  const isDefault = info.constant(die, "defaulted") === DEFAULTED_IN_CLASS;
  return !isDefault && !info.flag(die, "artificial");
}

function isDeleted(die: Die, info: DebugInfo): boolean {
  return info.flag(die, "deleted") || info.flag(die, "GNU_deleted");
}

/** A constructor with a reference to another object of the class `owner`. */
function isCopying(die: Die, owner: Die, info: DebugInfo): boolean {
  const className = info.text(owner, "name")?.replace(/<.*/, "");
  if (info.text(die, "name") !== className) return false;
  const parameters = info
    .children(die.id)
    .filter((each) => each.tag === "formal_parameter" && !info.flag(each, "artificial"));
  const [only, more] = parameters;
  const type = only === undefined ? null : info.reference(only, "type");
  if (more !== undefined || !type?.tag.endsWith("reference_type")) return false;
  let target = info.reference(type, "type");
  if (target?.tag === "const_type") target = info.reference(target, "type");
  return target?.id === owner.id;
}
