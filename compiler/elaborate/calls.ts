/**
 * What code calls, as compilers describe it (DWARF 5 §3.4) and as its instructions say: the call
 * sites of functions and of their inline instances, and what was inlined there.
 */
import { fileOffset, viewOf } from "../../base/elf/image.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { DieId } from "../dwarf/native.js";
import { entryOf } from "../dwarf/ranges.js";
import type { Module } from "../elf/read.js";
import { type FunctionCode, functionAtEntry } from "./code-functions.js";

/** Code that is called: that of a function, or an inline instance. */
export type CalledCode = Omit<FunctionCode, "ranges">;

/** A call of a function of the module whose code is known. */
export interface Call {
  readonly code: CalledCode;
  /** ELF address behind the call, null for inlined code. */
  readonly returnTo: number | null;
  readonly isTail: boolean;
}

/** Calls in the code of a module. */
export interface Calls {
  /** What `code`, a subprogram or an inline instance, calls itself. */
  of(code: Die): readonly Call[];
}

/** Calls in the code of `module`. */
export function openCalls(module: Module, info: DebugInfo): Calls {
  const known = new Map<DieId, SitesByOwner>();
  const sitesIn = (subprogram: Die): SitesByOwner => {
    const sites = known.get(subprogram.id) ?? sitesByOwner(info, subprogram);
    known.set(subprogram.id, sites);
    return sites;
  };
  return {
    of(code) {
      const around = [code, ...info.enclosing(code.id)];
      const subprogram = around.find(({ tag }) => tag === "subprogram") ?? code;
      const inlined = partsOf(info, code).filter(({ tag }) => tag === "inlined_subroutine");
      return [...inlined, ...(sitesIn(subprogram).get(code.id) ?? [])]
        .sort((a, b) => a.id - b.id)
        .flatMap((die) => callAt(module, info, die) ?? []);
    },
  };
}

/** Call sites by the code that they lie in: a subprogram or an inline instance. */
type SitesByOwner = ReadonlyMap<DieId, readonly Die[]>;

/**
 * The call sites of `subprogram` and of all that was inlined in it. gcc nests them as the code is
 * nested; clang puts all into the subprogram, and only their addresses say which code has them.
 */
function sitesByOwner(info: DebugInfo, subprogram: Die): SitesByOwner {
  const sites = new Map<DieId, Die[]>();
  const unit = info.unitOf(subprogram.id);
  const ownerOf = (site: Die): Die => {
    const address = addressOf(site);
    const scopes = unit && address !== null ? info.scopesAt(unit, address) : [];
    return scopes.find(({ tag }) => CODE.has(tag)) ?? subprogram;
  };
  const add = (parent: Die): void => {
    for (const die of partsOf(info, parent)) {
      if (die.tag === "inlined_subroutine") add(die);
      if (die.tag !== "call_site") continue;
      const owner = parent === subprogram ? ownerOf(die) : parent;
      sites.set(owner.id, [...(sites.get(owner.id) ?? []), die]);
    }
  };
  add(subprogram);
  return sites;
}

const CODE: ReadonlySet<string> = new Set(["subprogram", "inlined_subroutine"]);

/** The call sites and the code in the subtree of `parent`, but nothing that is nested in those. */
function partsOf(info: DebugInfo, parent: Die): readonly Die[] {
  return info.children(parent.id).flatMap((die) => {
    const isPart = CODE.has(die.tag) || die.tag === "call_site";
    return isPart ? [die] : partsOf(info, die);
  });
}

/** An address inside the call; what lies behind it may be other code. */
function addressOf(site: Die): number | null {
  const call = site.attributes.get("call_pc");
  if (call?.kind === "address") return call.address;
  const returnTo = returnOf(site);
  return returnTo === null ? null : returnTo - 1;
}

function returnOf(site: Die): number | null {
  const at = site.attributes.get("call_return_pc") ?? site.attributes.get("low_pc");
  return at?.kind === "address" ? at.address : null;
}

function expansion(info: DebugInfo, die: Die): Call | null {
  const entry = entryOf(info, die);
  const code = entry === null ? null : describe(info, die, entry);
  return code && { code: { ...code, isInline: true }, returnTo: null, isTail: false };
}

function callAt(module: Module, info: DebugInfo, site: Die): Call | null {
  if (site.tag !== "call_site") return expansion(info, site);
  const isTail = info.flag(site, "call_tail_call");
  // The address of a tail call is one that nothing returns to.
  const returnTo = returnOf(site) ?? (isTail ? addressOf(site) : null);
  if (returnTo === null) return null;
  const code = callee(info, site, isTail ? null : calledAddress(module, returnTo));
  return code && { code, returnTo, isTail };
}

/**
 * The code that `site` calls: that at `target`, where its instruction leads, if that is a function.
 * clang -flto names wrong ones in other units. Otherwise (a stub of the PLT) it is what `site` names.
 */
function callee(info: DebugInfo, site: Die, target: number | null): CalledCode | null {
  const origin = info.reference(site, "call_origin") ?? info.reference(site, "abstract_origin");
  const named = origin === null ? [] : definitions(info, origin);
  const [first] = named;
  const meant = named.find(({ entry }) => entry === target);
  if (meant !== undefined || target === null) return meant ?? first ?? null;
  const die = functionAtEntry(info, target);
  return (die && describe(info, die, target)) ?? first ?? null;
}

/** call rel32 (Intel SDM vol. 2 CALL) */
const CALL = 0xe8;
const CALL_BYTES = 5;

/** Where the direct call before `returnTo` leads, null if it is none. */
function calledAddress({ image }: Module, returnTo: number): number | null {
  const offset = fileOffset(image, returnTo - CALL_BYTES);
  if (offset === null || image.bytes[offset] !== CALL) return null;
  return returnTo + viewOf(image.bytes).getInt32(offset + 1, true);
}

/** The out-of-line code of the function that `origin` declares. */
function definitions(info: DebugInfo, origin: Die): readonly CalledCode[] {
  const name = info.text(origin, "name");
  if (name === null) return [];
  const linkageName = info.text(origin, "linkage_name") ?? name;
  return info.functions(name).flatMap((each) => {
    const { die, origin: of, entryPc } = each;
    const isSame = die.id === origin.id || of.id === origin.id;
    // Linkers leave functions that they dropped at address 0.
    if (!entryPc || !(isSame || (each.isExternal && each.linkageName === linkageName))) return [];
    return describe(info, die, entryPc) ?? [];
  });
}

function describe(info: DebugInfo, die: Die, entry: number): CalledCode | null {
  const unit = info.unitOf(die.id);
  return (
    unit && {
      name: info.text(die, "name") ?? "",
      file: info.sourceFile(die, "decl_file") ?? "",
      line: Number(info.constant(die, "decl_line") ?? 0n),
      die,
      unit,
      entry,
      isInline: false,
    }
  );
}
