/** DIEs and the values of their attributes (DWARF 5 §2, §7.5.5) as the rest of the compiler sees them. */
import { type AttributeName, attributeName } from "./attributes.js";
import { type DieId, VALUE_KIND } from "./native.js";
import type { TagName } from "./tags.js";

/** The value of an attribute, by the class of its form. */
export type AttributeValue =
  | { readonly kind: "address"; readonly address: number }
  /** Forms that do not say whether they are signed have both readings. */
  | { readonly kind: "constant"; readonly value: bigint; readonly signed: bigint }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "flag"; readonly value: boolean }
  | { readonly kind: "reference"; readonly die: DieId }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** A location expression, or (`list`) a list of locations, ranges or lines: `locations`, `ranges` read them. */
  | { readonly kind: "expression"; readonly bytes: Uint8Array }
  | { readonly kind: "list" }
  /** It leads to what is damaged or missing, e.g. a supplementary (dwz) file. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** The attributes of a DIE by their names without DW_AT_. */
export type Attributes = ReadonlyMap<AttributeName, AttributeValue>;

/** A debugging information entry. Attributes are read when they are first asked for. */
export interface Die {
  readonly id: DieId;
  /** Name of its tag without DW_TAG_. */
  readonly tag: TagName;
  /** Its own attributes; `DebugInfo.attribute` follows abstract origins and specifications. */
  readonly attributes: Attributes;
}

/** What two attributes of a call site were before DWARF 5 gave it attributes of its own. */
const OLD_CALL_SITE: ReadonlyMap<AttributeName, AttributeName> = new Map([
  ["low_pc", "call_return_pc"],
  ["abstract_origin", "call_origin"],
]);

/** Attributes of a DIE from the flat list that the native half gives: code, kind, value. */
export function toAttributes(tag: TagName, flat: readonly unknown[]): Attributes {
  const attributes = new Map<AttributeName, AttributeValue>();
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const name = attributeName(flat[i] as number);
    if (name === null) continue;
    const named = tag === "call_site" ? (OLD_CALL_SITE.get(name) ?? name) : name;
    attributes.set(named, toValue(flat[i + 1] as number, flat[i + 2]));
  }
  return attributes;
}

function toValue(kind: number, value: unknown): AttributeValue {
  switch (kind) {
    case VALUE_KIND.address:
      return { kind: "address", address: value as number };
    case VALUE_KIND.bytes:
      return { kind: "bytes", bytes: value as Uint8Array };
    case VALUE_KIND.expression:
      return { kind: "expression", bytes: value as Uint8Array };
    case VALUE_KIND.constant: {
      const [plain, signed] = value as [bigint, bigint];
      return { kind: "constant", value: plain, signed };
    }
    case VALUE_KIND.flag:
      return { kind: "flag", value: value as boolean };
    case VALUE_KIND.reference:
      return { kind: "reference", die: value as DieId };
    case VALUE_KIND.string:
      return { kind: "string", text: value as string };
    case VALUE_KIND.list:
      return { kind: "list" };
    default:
      return { kind: "unreadable", reason: value as string };
  }
}
