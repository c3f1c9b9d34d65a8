/** process.mark and .provider().mark: static probe marks and their arguments (language.md §14.2). */
import type { SdtNote } from "../../base/elf/notes.js";
import { findSymbolAddress } from "../../base/elf/symbols.js";
import { wildcard } from "../elf/glob.js";
import type { Module } from "../elf/read.js";
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { constant, type Location } from "../types/location.js";
import { resolveModuleVariable } from "../variables/script-targets.js";
import { threadLocalBytes } from "../variables/thread-local.js";
import { stringArgument, withArguments } from "./point.js";
import { CODE_ROOTS } from "./process-code.js";
import { type ProcessModule, processModules } from "./process-path.js";
import { ResolutionError } from "./report.js";
import { parseSdtArgument, type SdtArgument, splitSdtArguments } from "./sdt-args.js";
import { similar } from "./similar.js";
import type { FamilyContext, FamilyTable, Site, TargetScope, TargetValue } from "./site.js";

/** The families of marks. */
export const MARK_FAMILIES: FamilyTable = CODE_ROOTS.flatMap(
  (root): FamilyTable => [
    [`${root}.mark(string)`, markSites],
    [`${root}.provider(string).mark(string)`, markSites],
  ],
);

function markSites(point: ProbePoint, context: FamilyContext): Site[] {
  const modules = processModules(point, context);
  const name = (stringArgument(point, "mark") ?? "").replace(/-/g, "__");
  const provider = stringArgument(point, "provider");
  const matchesName = wildcard(name);
  const matchesProvider = wildcard(provider ?? "*");
  const sites = modules.flatMap((where) =>
    where.module.marks
      .filter((mark) => matchesName.test(mark.name) && matchesProvider.test(mark.provider))
      .map((mark) => markSite(where, mark)),
  );
  if (sites.length === 0) {
    const names = modules.flatMap((where) => where.module.marks.map((mark) => mark.name));
    throw new ResolutionError(
      "no-match",
      names.length === 0 && modules.length > 0
        ? `no match: '${modules[0]?.module.path}' has no marks`
        : `no match${similar(name, names, "similar marks")}`,
    );
  }
  return sites;
}

function markSite(where: ProcessModule, mark: SdtNote): Site {
  const { module, condition } = where;
  return {
    point: withArguments(where.point, { provider: mark.provider, mark: mark.name }),
    type: "uprobe",
    isReturn: false,
    condition,
    targets: markTargets(module, mark),
    place: {
      kind: "site",
      module: module.path,
      buildId: module.image.buildId,
      address: mark.address,
      place: "instruction",
      size: 0,
      symbol: `${mark.provider}:${mark.name}`,
      semaphore: mark.semaphore,
    },
  };
}

function markTargets(module: Module, mark: SdtNote): TargetScope {
  const args = splitSdtArguments(mark.args).map((text) =>
    parseSdtArgument(text, mark.address, (name) => symbolLocation(module, name)),
  );
  return {
    module,
    variables: () => args.map((_, i) => ({ name: `$arg${i + 1}`, type: "long" })),
    resolve: (symbol, use = "value") =>
      symbol.atVar
        ? resolveModuleVariable(symbol, use, { find: () => null, module })
        : resolveMarkTarget(symbol, mark, args),
  };
}

/** Symbols of thread-local variables hold offsets in their module's block. */
function symbolLocation(module: Module, text: string): Location | null {
  const [, name = "", isThreadLocal] = /^(.*?)(@tpoff)?$/.exec(text) ?? [];
  const address = findSymbolAddress(module.image, name);
  if (address === null) return null;
  if (isThreadLocal === undefined) {
    return { kind: "module-address", address: BigInt(address), module: null };
  }
  const bytes = threadLocalBytes(module);
  return bytes === null ? null : constant(address - bytes);
}

function resolveMarkTarget(
  symbol: TargetSymbol,
  mark: SdtNote,
  args: readonly SdtArgument[],
): TargetValue {
  const { name } = symbol;
  const number = /^\$arg([1-9]\d*)$/.exec(name)?.[1];
  const argument = number === undefined ? undefined : args[Number(number) - 1];
  const isText = CONTEXT_TEXTS.has(name);
  if (argument === undefined && !isText) throw unknownTarget(symbol, mark, args.length);
  if (symbol.steps.length > 0) {
    throw new ResolutionError(
      "unsupported-dwarf",
      `not supported yet: type of '${name}' (needs debug information)`,
      symbol,
    );
  }
  if (argument !== undefined) return { type: "long", location: readable(argument, symbol) };
  if (name === "$$name") return text(mark.name);
  if (name === "$$provider") return text(mark.provider);
  return name === "$$locals" ? text("") : allArguments(args);
}

/** A mark has no locals, but `$$locals` is no error. */
const CONTEXT_TEXTS: ReadonlySet<string> = new Set([
  "$$name",
  "$$provider",
  "$$vars",
  "$$parms",
  "$$locals",
]);

function text(value: string): TargetValue {
  return { type: "string", location: { kind: "text", text: value } };
}

function readable(argument: SdtArgument, symbol: TargetSymbol): Location {
  if (argument.kind === "location") return argument.location;
  throw new ResolutionError(
    "unsupported-operand",
    `not supported yet: ${argument.reason} of '${symbol.name}'`,
    symbol,
  );
}

function unknownTarget(symbol: TargetSymbol, mark: SdtNote, count: number): ResolutionError {
  const names = Array.from({ length: count }, (_, i) => `$arg${i + 1}`);
  const alternatives = [...names, "$$name", "$$provider", "$$parms", "$$vars"].join(" ");
  return new ResolutionError(
    "unresolved-target",
    `unable to find '${symbol.name}' in mark '${mark.name}' (alternatives: ${alternatives})`,
    symbol,
  );
}

/** `$arg1=0x… $arg2=0x…`, with `?` for what cannot be read. */
function allArguments(args: readonly SdtArgument[]): TargetValue {
  const pieces = args.flatMap((argument, i) => {
    const label = `${i === 0 ? "" : " "}$arg${i + 1}=`;
    return argument.kind === "location"
      ? [{ text: label }, { value: argument.location, conversion: "x" as const }]
      : [{ text: `${label}?` }];
  });
  return { type: "string", location: { kind: "format", pieces, onFault: null } };
}
