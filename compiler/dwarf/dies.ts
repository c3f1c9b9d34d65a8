/** Access to the DIEs of a file: by id, down, up, and along references. */
import type { AttributeName } from "./attributes.js";
import { type AttributeValue, type Die, toAttributes } from "./die.js";
import { callNative, type DieId, type NativeFile } from "./native.js";
import { type TagName, tagName } from "./tags.js";

/** Access to DIEs; what is asked of a DIE includes what its abstract_origin and specification say. */
export interface Dies {
  die(id: DieId): Die;
  children(id: DieId): readonly Die[];
  /** The DIEs around it, innermost first; the last is the unit's. */
  enclosing(id: DieId): readonly Die[];
  /** The DIE just around it, null for a unit's. */
  parent(id: DieId): Die | null;
  /** The DIE that has the attribute: `die`, or what its abstract_origin or specification leads to. */
  owner(die: Die, name: AttributeName): Die | null;
  /** The attribute of its owner. */
  attribute(die: Die, name: AttributeName): AttributeValue | null;
  /** The attribute if it is a string. */
  text(die: Die, name: AttributeName): string | null;
  /** The attribute if it is a constant, read without sign. */
  constant(die: Die, name: AttributeName): bigint | null;
  /** What the attribute refers to; for a type that is only declared there, its type unit's DIE. */
  reference(die: Die, name: AttributeName): Die | null;
  /** True if the attribute is a flag that is set. */
  flag(die: Die, name: AttributeName): boolean;
}

/** Dies with the file they are of. */
export interface DieReader extends Dies {
  readonly file: NativeFile;
}

/** How many references are followed from DIE to DIE; a file with more goes round in circles. */
const MAX_REFERENCES = 32;

/** What a DIE does not have because another one that it completes has it (DWARF 5 §2.13.2). */
const NOT_INHERITED: ReadonlySet<AttributeName> = new Set(["declaration", "sibling"]);

/** DIEs of `file`; each is read once. */
export function openDies(file: NativeFile): DieReader {
  const known = new Map<DieId, Die>();
  const inside = new Map<DieId, readonly Die[]>();
  const make = (id: DieId, tag: TagName): Die => {
    const made = known.get(id) ?? lazyDie(file, id, tag);
    known.set(id, made);
    return made;
  };
  const die = (id: DieId): Die =>
    known.get(id) ?? make(id, tagName(callNative("die", file, id)[0]));
  const enclosing = (id: DieId): readonly Die[] => callNative("enclosing", file, id).map(die);
  return {
    file,
    die,
    enclosing,
    children(id) {
      const found = inside.get(id) ?? toChildren(callNative("children", file, id), make);
      inside.set(id, found);
      return found;
    },
    parent: (id) => enclosing(id)[0] ?? null,
    ...openAttributes(die),
  };
}

function toChildren(flat: readonly number[], make: (id: DieId, tag: TagName) => Die): Die[] {
  const found: Die[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    found.push(make(flat[i] as DieId, tagName(flat[i + 1] ?? 0)));
  }
  return found;
}

function openAttributes(
  die: (id: DieId) => Die,
): Pick<Dies, "owner" | "attribute" | "text" | "constant" | "reference" | "flag"> {
  const owner = (from: Die, name: AttributeName): Die | null => {
    let at = from;
    for (let i = 0; i < MAX_REFERENCES; i++) {
      if (at.attributes.has(name)) return at;
      if (NOT_INHERITED.has(name)) return null;
      const next = at.attributes.get("abstract_origin") ?? at.attributes.get("specification");
      if (next?.kind !== "reference") return null;
      at = die(next.die);
    }
    return null;
  };
  const definition = (type: Die): Die => {
    const signature = type.attributes.get("signature");
    return signature?.kind === "reference" ? die(signature.die) : type;
  };
  const attribute = (from: Die, name: AttributeName): AttributeValue | null =>
    owner(from, name)?.attributes.get(name) ?? null;
  return {
    owner,
    attribute,
    text(from, name) {
      const value = attribute(from, name);
      return value?.kind === "string" ? value.text : null;
    },
    constant(from, name) {
      const value = attribute(from, name);
      return value?.kind === "constant" ? value.value : null;
    },
    reference(from, name) {
      const value = attribute(from, name);
      return value?.kind === "reference" ? definition(die(value.die)) : null;
    },
    flag(from, name) {
      const value = attribute(from, name);
      return value?.kind === "flag" && value.value;
    },
  };
}

function lazyDie(file: NativeFile, id: DieId, tag: TagName): Die {
  let attributes: Die["attributes"] | null = null;
  return {
    id,
    tag,
    get attributes() {
      attributes ??= toAttributes(tag, callNative("attributes", file, id));
      return attributes;
    },
  };
}
