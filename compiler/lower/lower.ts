/**
 * Typed program → IR module and bundle description. Requires a complete Program (every expression
 * typed, every name resolved); guarantees IR that ir/verify.ts accepts, or CompileFailed with what
 * is not supported.
 */
import { assert } from "../../base/assert.js";
import { CompileFailed, type Diagnostic } from "../../base/diagnostic.js";
import { showPosition } from "../../base/position.js";
import type { CompileContext, Stage } from "../../base/stage.js";
import {
  BUNDLE_VERSION,
  type BundleGlobal,
  type BundleMemory,
  type BundleMeta,
  type BundlePoint,
} from "../../wasm-runtime/bundle.js";
import { ABI_VERSION, WASM_PAGE_BYTES } from "../../wasm-runtime/layout/shared.js";
import { linearBuckets, MAX_LINEAR_BUCKETS } from "../../wasm-runtime/layout/values.js";
import { compileEmbedded } from "../embedded/embedded.js";
import type { ForeignFunction, IrFunction, IrModule } from "../ir/ir.js";
import { showModule } from "../ir/print.js";
import { allCallees, calleesOf } from "../ir/walk.js";
import type { FunctionInstance, Handler, Program } from "../types/program.js";
import { ACTIONS_EXCEEDED } from "./actions.js";
import { capabilitiesOf } from "./capabilities.js";
import { lowerFunction } from "./function.js";
import { lowerHandler } from "./handler.js";
import { buildHelpers, buildInit, type SessionSettings } from "./init.js";
import { callDepth, deepestFrames, layOut } from "./layout.js";
import { canFail } from "./library-calls.js";
import { type Limits, readLimits } from "./limits.js";
import { plainFormat } from "./print.js";
import { planRegexes } from "./regex.js";
import { type SharedHandlers, shareHandlers } from "./share.js";
import { sharedLocations } from "./shared-location.js";
import { createStaticData } from "./static-data.js";
import { planStorage } from "./storage.js";
import { createTable, storageOf, type Unit } from "./unit.js";
import { analyzeUsage } from "./usage.js";

/** Code and description of a bundle. */
export interface LoweredProgram {
  readonly module: IrModule;
  readonly meta: BundleMeta;
}

/** Most bytes of linear memory that a bundle may have. */
const MEMORY_LIMIT = 2 ** 31;

/** The stage. */
export const lowerStage: Stage<Program, LoweredProgram> = {
  name: "ir",
  run: lowerProgram,
  dump: (lowered) => showModule(lowered.module),
};

/** Lowers `program`; throws CompileFailed with everything that cannot be lowered. */
export function lowerProgram(program: Program, context: CompileContext): LoweredProgram {
  const found: Diagnostic[] = [];
  const seen = new Set<string>();
  // The bodies of a wildcard are lowered once for each match: say what is wrong once.
  const report = (diagnostic: Diagnostic): void => {
    const { message, span, severity } = diagnostic;
    const key = `${message} ${span === null ? "" : showPosition(span)}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (severity === "warning") context.warn(diagnostic);
    else found.push(diagnostic);
  };
  const unit = openUnit(program, context, report);
  const { handlers, functions, frameBytes } = lowerCode(unit);
  const settings = sessionSettings(unit, context);
  // All constants must exist before the memory behind them is laid out.
  for (const { initial } of program.globals) {
    if (initial?.kind === "string") unit.data.text(initial.value);
  }
  const foreign = linkEmbedded(unit, context);
  const memory = layOut({
    limits: unit.limits,
    dataEnd: unit.data.end(),
    contextEnd: unit.plan.contextEnd,
    frameBytes,
    bufferMegabytes: context.options.bufferMegabytes,
    procfs: unit.plan.procfs,
    procfsBytes: unit.plan.procfsBytes,
  });
  checkMemory(memory, report);
  if (found.length > 0) throw new CompileFailed(found);
  const init = buildInit(unit, memory, settings);
  const lowered = [init, ...handlers.functions, ...functions];
  const called = new Set(lowered.flatMap((fn) => calleesOf(fn).map((callee) => callee.name)));
  const all = [...lowered, ...buildHelpers(called, memory)];
  assert(unit.data.end() <= memory.contextBase, "constants were added after the layout");
  const { pages } = memory;
  const module: IrModule = { functions: all, foreign, data: unit.data.segments(), pages };
  return { module, meta: describe(unit, memory, settings, module, handlers.names) };
}

/** Compiles the embedded code that is called, and places its data behind all constants. */
function linkEmbedded(unit: Unit, context: CompileContext): readonly ForeignFunction[] {
  const { data, limits, plan, formats } = unit;
  if (unit.blocks.size === 0) return [];
  const actionsExceeded = limits.maxAction === null ? null : data.text(ACTIONS_EXCEEDED);
  const linked = compileEmbedded(
    { top: unit.program.embedded, blocks: [...unit.blocks.values()] },
    {
      guru: context.options.guru,
      dataStart: data.end(),
      report: unit.report,
      settings: {
        ...plan,
        maxString: limits.maxString,
        formatString: formats.indexOf(plainFormat("string")),
        formatLong: formats.indexOf(plainFormat("long")),
        actionsExceeded,
        canFail,
      },
    },
  );
  data.append(linked?.data ?? []);
  return linked?.functions ?? [];
}

function openUnit(
  program: Program,
  context: CompileContext,
  report: (diagnostic: Diagnostic) => void,
): Unit {
  const limits = readLimits(context.options, report);
  const usages = analyzeUsage(program);
  checkBuckets(program, report);
  const regexes = planRegexes(program, limits, report);
  const plan = planStorage(program, usages, limits, regexes.matchBytes);
  return {
    program,
    limits,
    usages,
    plan,
    regexes,
    data: createStaticData(plan.end),
    formats: createTable(),
    locations: createTable(""),
    modules: createTable(),
    functions: new Map(),
    shared: sharedLocations(program.locations.values()),
    blocks: new Map(),
    usesProbeTexts: false,
    report,
  };
}

interface LoweredCode {
  readonly handlers: SharedHandlers;
  readonly functions: readonly IrFunction[];
  readonly frameBytes: number;
}

function lowerCode(unit: Unit): LoweredCode {
  const { program, usages, limits } = unit;
  const frames = new Map<Handler | FunctionInstance, number>();
  const handlers = program.handlers.map((handler) => lowerHandler(handler, unit));
  for (const { handler, frameBytes } of handlers) frames.set(handler, frameBytes);
  const depths = new Map<Handler | FunctionInstance, number>();
  const depth = program.handlers.reduce(
    (most, handler) => Math.max(most, callDepth(handler, usages, depths)),
    0,
  );
  const maxNesting =
    limits.maxNesting ?? depth + 1 + (program.functions.some(usages.isRecursive) ? 10 : 0);
  const functions: IrFunction[] = [];
  // Lowering a body may add further functions to the map, which this loop then visits.
  for (const [fn, reference] of unit.functions) {
    const isChecked = limits.maxNesting !== null || usages.reachesRecursion(fn);
    const { fn: lowered, frameBytes } = lowerFunction(
      fn,
      reference,
      isChecked ? maxNesting : null,
      unit,
    );
    frames.set(fn, frameBytes);
    functions.push(lowered);
  }
  const shared = shareHandlers(handlers, program.probes);
  return {
    handlers: shared,
    functions: [...functions, ...unit.shared.functions.values()],
    frameBytes: deepestFrames(program, usages, frames, maxNesting),
  };
}

function sessionSettings(unit: Unit, context: CompileContext): SessionSettings {
  const { data, limits, plan, program } = unit;
  const rows = !unit.usesProbeTexts
    ? []
    : program.probes.flatMap((probe) => [
        data.text(probe.name + probe.mark),
        data.text(probe.written),
        data.text(probe.type),
        probe.isReturn ? 1 : 0,
      ]);
  return {
    maxErrors: limits.maxErrors,
    suppressErrors: context.options.suppressHandlerErrors,
    lockTries: limits.lockTries,
    probeTable: unit.usesProbeTexts ? data.words(rows) : 0,
    moduleName: data.text(context.options.moduleName),
    frames: plan.frames,
    maxFrames: plan.maxFrames,
  };
}

/** Finds histograms that SystemTap refuses when it starts the session. */
function checkBuckets(program: Program, report: (diagnostic: Diagnostic) => void): void {
  for (const { name, span, stat } of program.globals) {
    if (stat?.histogram.kind !== "linear") continue;
    const { low, high, width } = stat.histogram;
    if (linearBuckets(low, high, width) > 0) continue;
    report({
      code: "too-many-buckets",
      severity: "semantic error",
      message: `histogram of '${name}': number of buckets must be between 1 and ${MAX_LINEAR_BUCKETS - 3}`,
      span,
      token: "identifier",
      notes: [],
    });
  }
}

function checkMemory(memory: BundleMemory, report: (diagnostic: Diagnostic) => void): void {
  const bytes = memory.pages * WASM_PAGE_BYTES;
  if (bytes <= MEMORY_LIMIT) return;
  const megabytes = Math.ceil(bytes / 1048576);
  report({
    code: "memory-too-large",
    severity: "semantic error",
    message: `arrays, strings and buffers need ${megabytes} MB, more than ${MEMORY_LIMIT / 1048576} MB (see MAXMAPENTRIES, MAXSTRINGLEN, -s)`,
    span: null,
    token: "",
    notes: [],
  });
}

function describe(
  unit: Unit,
  memory: BundleMemory,
  settings: SessionSettings,
  module: IrModule,
  names: readonly string[],
): BundleMeta {
  const { program, limits } = unit;
  return {
    version: BUNDLE_VERSION,
    abi: ABI_VERSION,
    memory,
    probes: program.probes.map((probe, index) => ({
      handler: names[index] ?? "",
      name: probe.name,
      source: showPosition(probe.span),
      point: settled(probe.point, limits),
    })),
    formats: unit.formats.values,
    globals: program.globals.map((global) => describeGlobal(global, unit)),
    modules: unit.modules.values,
    locations: unit.locations.values,
    capabilities: capabilitiesOf(allCallees(module)),
    session: {
      maxErrors: limits.maxErrors,
      maxSkipped: limits.maxSkipped,
      suppressErrors: settings.suppressErrors,
      lockTries: limits.lockTries,
      maxAction: limits.maxAction,
    },
    warnings: [],
  };
}

/** `point` with the defaults that limits give. */
function settled(point: BundlePoint, { procfsBytes }: Limits): BundlePoint {
  return point.kind === "procfs" ? { ...point, bytes: point.bytes ?? procfsBytes } : point;
}

function describeGlobal(global: Program["globals"][number], unit: Unit): BundleGlobal {
  const storage = storageOf(unit, global);
  const { name, type, keys } = global;
  switch (storage.kind) {
    case "shard":
      return { name, type, keys, address: unit.data.descriptor(storage.stat) };
    case "reduction":
      return { name, type, keys, address: storage.base };
    default:
      return { name, type, keys, address: storage.address };
  }
}
