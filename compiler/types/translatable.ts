/**
 * Rules that SystemTap checks only when it translates, in pass 3: what breaks them passes -p2.
 * Takes the analysed program; throws CompileFailed with all that is wrong.
 */
import type { CompileContext } from "../../base/stage.js";
import { createReporter, type Reporter } from "../elaborate/report.js";
import { forEachNode } from "../elaborate/rewrite.js";
import type { Expression, HistogramOperation, Node, PrintExpression } from "../syntax/ast.js";
import { forEachChild } from "../syntax/walk.js";
import { checkOperandTypes } from "./operand-types.js";
import type { Global, Handler, Probe, Program } from "./program.js";
import { threadUsage } from "./thread-usage.js";
import { baseOf } from "./usage.js";

/** Keys of an array (language.md §17). */
const MAX_KEYS = 9;

/** Checks all bodies and globals of `program`. */
export function checkTranslatable(program: Program, context: CompileContext): void {
  const report = createReporter(context);
  for (const probe of program.probes) checkPoint(probe, report);
  for (const { body } of [...program.handlers, ...program.functions]) {
    checkJumps(body, false, report);
    forEachNode(body, (node) => {
      checkOperandTypes(node, program.types, report);
      if (node.kind === "print") checkPrint(node, program, report);
      else if (node.kind === "update") checkUpdated(node.operand, program, report);
      else if (node.kind === "assignment") checkWritten(node.target, report);
      else if (node.kind === "delete") checkDeleted(node.target, report);
      else if (node.kind === "histogram") checkBounds(node, report);
      else if (node.kind === "register" || node.kind === "deref") checkSpace(node, report);
    });
  }
  for (const handler of program.handlers) checkCounters(handler, program, report);
  for (const global of program.globals) checkKeys(global, report);
  report.finish();
}

/** @perf reads a counter of the thread that runs at a place in code of a program. */
function checkCounters({ body, points }: Handler, program: Program, report: Reporter): void {
  forEachNode(body, (node) => {
    if (node.kind !== "perf") return;
    const counter = program.counters.get(node.counter);
    if (counter === undefined || points.some(({ kind }) => kind !== "site")) {
      const message = "cannot translate general @perf expression";
      report.error({ code: "misplaced-perf", message, node });
    } else if (threadUsage(counter) === null) {
      const message = `not supported yet: @perf of type ${counter.type}, config ${counter.config} (only processor time, page faults and context switches)`;
      report.error({ code: "unsupported-perf", message, node });
    }
  });
}

function checkPoint({ name, point, span }: Probe, report: Reporter): void {
  if (point.kind !== "unsupported") return;
  const message = `not supported yet: probe point '${name}' (${point.feature})`;
  report.error({ code: "unsupported-point", message, node: { kind: "probe", span } });
}

function checkJumps(node: Node, inLoop: boolean, report: Reporter): void {
  if ((node.kind === "break" || node.kind === "continue") && !inLoop) {
    const message = `cannot '${node.kind}' outside loop`;
    report.error({ code: "jump-outside-loop", message, node });
  }
  const isLoop = node.kind === "for" || node.kind === "while" || node.kind === "foreach";
  forEachChild(node, (child) => checkJumps(child, inLoop || isLoop, report));
}

function checkPrint(node: PrintExpression, program: Program, report: Reporter): void {
  for (const arg of node.args) {
    const type = program.types.get(arg.id);
    if (type === "stats" && arg.kind !== "histogram") {
      const message = "cannot print a raw stats object";
      report.error({ code: "raw-stats", message, node: arg });
    } else if (node.name === "print_char" && type === "string") {
      const message = "type mismatch: expected long but found string";
      report.error({ code: "type-mismatch", message, node: arg });
    }
  }
}

function checkUpdated(operand: Expression, program: Program, report: Reporter): void {
  if (baseOf(operand) !== null || program.locations.has(operand.id)) return;
  const isBucket = operand.kind === "index" && operand.base.kind === "histogram";
  const message = isBucket ? "cannot assign to histogram buckets" : "invalid lvalue type";
  report.error({ code: "not-assignable", message, node: operand });
}

/** SystemTap writes here, even without -g. */
function checkWritten(target: Expression, report: Reporter): void {
  if (target.kind !== "deref" && target.kind !== "register") return;
  const message = `not supported yet: writing to @${target.operator}`;
  report.error({ code: `unsupported-${target.kind}`, message, node: target });
}

function checkDeleted(target: Expression, report: Reporter): void {
  if (target.kind !== "index" || target.base.kind !== "histogram") return;
  const message = "cannot delete histogram bucket entries";
  report.error({ code: "not-deletable", message, node: target });
}

/** Registers and memory of the kernel are out of reach. */
function checkSpace(node: Extract<Node, { kind: "register" | "deref" }>, report: Reporter): void {
  if (node.operator === "uregister" || node.operator === "uderef") return;
  const message = `not supported yet: @${node.operator}`;
  report.error({ code: `unsupported-${node.kind}`, message, node });
}

function checkBounds(node: HistogramOperation, report: Reporter): void {
  if (node.operator !== "hist_linear") return;
  const [low = 0n, high = 0n] = node.parameters;
  if (low <= high) return;
  const message = "upper bound of @hist_linear must not be below the lower bound";
  report.error({ code: "histogram-bounds", message, node });
}

function checkKeys(global: Global, report: Reporter): void {
  const count = global.keys.length;
  if (count <= MAX_KEYS) return;
  const message = `too many array keys (${count}, at most ${MAX_KEYS})`;
  report.error({ code: "too-many-keys", message, node: { kind: "global", span: global.span } });
}
