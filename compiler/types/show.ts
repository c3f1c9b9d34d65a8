/** Text of a program, as -p2 prints it (cli.md §4). */
import { compareFunctions } from "../elaborate/symbol.js";
import { SYNTHESIZED } from "../elaborate/synthesize.js";
import { showExpression, showStatement } from "../syntax/print.js";
import { showString } from "../syntax/strings.js";
import type { FunctionInstance, Global, Local, Probe, Program } from "./program.js";

/** The sections `# global embedded code`, `# globals`, `# functions`, `# probes`; with bodies and initial values as -v. */
export function showProgram(program: Program, withBodies = false): string {
  const functions = program.functions.filter(({ span }) => span.file.name !== SYNTHESIZED);
  return [
    ...section(
      "global embedded code",
      program.embedded.map(({ code }) => `%{${code}%}`),
    ),
    ...section(
      "globals",
      program.globals.map((global) => showGlobal(global, withBodies)),
    ),
    ...section(
      "functions",
      [...functions].sort(compareFunctions).flatMap((f) => showFunction(f, withBodies)),
    ),
    ...section(
      "probes",
      program.probes.flatMap((probe) => showProbe(probe, withBodies)),
    ),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`# ${title}`, ...lines];
}

function showGlobal(global: Global, withInitial: boolean): string {
  const wrap = global.wrap ? "%" : "";
  const size = global.capacity === null ? "" : `[${global.capacity}]`;
  const keys = global.keys.length === 0 ? "" : ` [${global.keys.join(", ")}]`;
  const { initial } = global;
  const value = initial === null || !withInitial ? "" : ` = ${showLiteral(initial)}`;
  return `${global.name}${wrap}${size}:${global.type}${keys}${value}`;
}

function showLiteral(literal: NonNullable<Global["initial"]>): string {
  return literal.kind === "string" ? showString(literal.value) : String(literal.value);
}

function showFunction(f: FunctionInstance, withBodies: boolean): string[] {
  const parameters = f.parameters.map((p) => `${p.name}:${p.type}`).join(", ");
  const result = f.result === "void" ? "unknown" : f.result;
  const lines = [`${f.name}:${result} (${parameters})`, ...showLocals(f.locals)];
  if (!withBodies) return lines;
  const body = f.body.kind === "embedded" ? `%{${f.body.code}%}` : showStatement(f.body);
  return [...lines, body];
}

function showProbe(probe: Probe, withBodies: boolean): string[] {
  const address =
    probe.point.kind === "site" ? ` /* pc=0x${probe.point.address.toString(16)} */` : "";
  const { conditions, locals, body } = probe.handler;
  // The innermost alias says its condition first.
  const [first, ...others] = conditions.map(showExpression).reverse();
  const all = others.reduce((text, other) => `(${text}) && (${other})`, first ?? "");
  const condition = first === undefined ? "" : ` if (${all})`;
  const lines = [
    `${probe.name}${probe.mark}${condition}${address} /* <- ${probe.origins.join(" <- ")} */`,
    ...showLocals(locals),
  ];
  return withBodies ? [...lines, showStatement(body)] : lines;
}

function showLocals(locals: readonly Local[]): string[] {
  if (locals.length === 0) return [];
  return ["  # locals", ...locals.map((local) => `  ${local.name}:${local.type}`)];
}
