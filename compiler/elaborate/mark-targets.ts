/**
 * The `$variables` of a mark: its arguments `$arg1`…, whose types are those called `MARK_arg1`… if
 * there are any, and all that debug information knows of the code around it (language.md §14.2, §15).
 * Marks of version 1 have no arguments but that.
 */
import type { SdtMark } from "../../base/elf/notes.js";
import { threadLocalBytes } from "../../base/elf/thread-local.js";
import { type Module, symbolAddress } from "../elf/read.js";
import type { TargetSymbol } from "../syntax/ast.js";
import { constant, type FormatPiece, type Location } from "../types/location.js";
import { programModule } from "../variables/program-module.js";
import { resolveTyped } from "../variables/script-targets.js";
import { dwarfTargets } from "../variables/targets.js";
import { symbolTargets } from "./code-targets.js";
import { ResolutionError } from "./report.js";
import { parseSdtArgument, type SdtArgument, splitSdtArguments } from "./sdt-args.js";
import type { TargetScope, TargetUse, TargetValue } from "./site.js";

/** Variables at `mark` of `module`. */
export function markTargets(module: Module, mark: SdtMark): TargetScope {
  const args = splitSdtArguments(mark.args ?? "").map((text) =>
    parseSdtArgument(text, mark.address, (name) => symbolLocation(module, name)),
  );
  let found: TargetScope | null | undefined;
  const code = (): TargetScope | null => {
    found = found === undefined ? codeTargets(module, mark.address) : found;
    return found;
  };
  const place = { module, mark, args, code };
  return {
    module,
    variables: () =>
      mark.args === null
        ? (code()?.variables?.() ?? [])
        : args.map((_, i) => ({ name: `$arg${i + 1}`, type: "long" })),
    resolve: (symbol, use = "value") =>
      contextText(symbol, place) ??
      argument(symbol, use, place) ??
      codeVariable(symbol, use, place),
  };
}

interface MarkPlace {
  readonly module: Module;
  readonly mark: SdtMark;
  readonly args: readonly SdtArgument[];
  /** Variables of the code around the mark; null if no debug information describes it. */
  readonly code: () => TargetScope | null;
}

function codeTargets(module: Module, address: number): TargetScope | null {
  const info = programModule(module)?.info;
  const unit = info?.unitAt(address);
  if (!info || !unit) return null;
  const isCode = /^(subprogram|inlined_subroutine)$/;
  const code = info.scopesAt(unit, address).find(({ tag }) => isCode.test(tag));
  return code === undefined
    ? null
    : dwarfTargets({ module, info, unit, address, code, inBlocks: true, isReturn: false });
}

/** Symbols of thread-local variables hold offsets in their module's block. */
function symbolLocation(module: Module, text: string): Location | null {
  const [, name = "", isThreadLocal] = /^(.*?)(@tpoff)?$/.exec(text) ?? [];
  const address = symbolAddress(module, name);
  if (address === null) return null;
  if (isThreadLocal === undefined) {
    return { kind: "module-address", address: BigInt(address), module: null };
  }
  const bytes = threadLocalBytes(module.image);
  return bytes === null ? null : constant(address - bytes);
}

function contextText(symbol: TargetSymbol, place: MarkPlace): TargetValue | null {
  const { name, steps } = symbol;
  const isAll = name === "$$vars" || name === "$$parms";
  if (isAll && steps[0]?.kind === "pretty") return allTyped(symbol, place);
  if (steps.length > 0) return null;
  if (isAll) return allArguments(place.args);
  if (name === "$$name") return text(place.mark.name);
  if (name === "$$provider") return text(place.mark.provider);
  return name === "$$locals" && place.code() === null ? text("") : null;
}

function text(value: string): TargetValue {
  return { type: "string", location: { kind: "text", text: value } };
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

/** `$$vars$`: all arguments as `$arg1$` shows them. */
function allTyped(symbol: TargetSymbol, place: MarkPlace): TargetValue {
  const pieces = place.args.flatMap((_, i): FormatPiece[] => {
    const name = `$arg${i + 1}`;
    const value = argument({ ...symbol, name }, "value", place);
    const nested = value?.location;
    return [{ text: `${i === 0 ? "" : " "}${name}=` }, ...(nested ? [{ nested }] : [])];
  });
  return { type: "string", location: { kind: "format", pieces, onFault: null } };
}

/** Value of an argument of the mark; null if `symbol` is none. */
function argument(symbol: TargetSymbol, use: TargetUse, place: MarkPlace): TargetValue | null {
  const { name, steps } = symbol;
  const number = symbol.atVar ? undefined : /^\$arg([1-9]\d*)$/.exec(name)?.[1];
  const found = number === undefined ? undefined : place.args[Number(number) - 1];
  if (number === undefined || found === undefined) return null;
  if (found.kind === "unsupported") {
    const about = `${found.reason} of '${name}'`;
    const message =
      found.symbol === null
        ? `not supported yet: ${about}`
        : `${about} is at the symbol '${found.symbol}', which '${place.module.path}' does not have`;
    throw new ResolutionError("unsupported-operand", message, symbol);
  }
  if (steps.length > 0) {
    const type = `${place.mark.name}_arg${number}`;
    return resolveTyped({ value: found.location, type, steps, node: symbol }, use, place.module);
  }
  if (use !== "address") return { type: "long", location: found.location };
  throw new ResolutionError("not-writable", "cannot take address of sdt variable", symbol);
}

function codeVariable(symbol: TargetSymbol, use: TargetUse, place: MarkPlace): TargetValue {
  const { module, mark, code, args } = place;
  const targets = code();
  if (targets !== null) return targets.resolve(symbol, use);
  if (mark.args === null || symbol.atVar) return symbolTargets(module, false).resolve(symbol, use);
  throw unknownTarget(symbol, mark, args.length);
}

function unknownTarget(symbol: TargetSymbol, mark: SdtMark, count: number): ResolutionError {
  const names = Array.from({ length: count }, (_, i) => `$arg${i + 1}`);
  const alternatives = [...names, "$$name", "$$provider", "$$parms", "$$vars"].join(" ");
  return new ResolutionError(
    "unresolved-target",
    `unable to find '${symbol.name}' in mark '${mark.name}' (alternatives: ${alternatives})`,
    symbol,
  );
}
