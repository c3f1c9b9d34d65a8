/**
 * -t: how often each handler ran and how long it took, told when the session ends (cli.md §7). The
 * times are statistics that lowering adds to around each handler; the report is source text, parsed
 * like any other, which runs after all other end or error probes.
 */
import { bug } from "../../base/assert.js";
import { showPosition } from "../../base/position.js";
import type { HandlerSymbol } from "../elaborate/symbol.js";

/** Lines of one probe, well below what a handler may do. */
const LINES_PER_PROBE = 500;
/** Order of the last end probes. */
const LAST = (1n << 63n) - 1n;

/** Name of the statistics of handler `index`. */
export function timingGlobal(index: number): string {
  return `__timing${index}`;
}

/** Text of the statistics of `handlers`, each of one probe, and of the probes that report them. */
export function timingReport(handlers: readonly HandlerSymbol[]): string {
  const globals = handlers.map((_, index) => `global ${timingGlobal(index)}\n`);
  const lines = handlers.map(reportLine);
  const probes = [reportProbe(`println("----- probe hit report: ")`)];
  for (let i = 0; i < lines.length; i += LINES_PER_PROBE) {
    probes.push(reportProbe(lines.slice(i, i + LINES_PER_PROBE).join("\n")));
  }
  return [...globals, ...probes].join("");
}

function reportProbe(body: string): string {
  return `probe end(${LAST}), error(${LAST}) {\n${body}\n}\n`;
}

function reportLine({ probes }: HandlerSymbol, index: number): string {
  const derived = probes[0] ?? bug("a handler without probes");
  const name = timingGlobal(index);
  const operators = ["count", "min", "avg", "max", "variance"];
  const values = operators.map((operator) => `@${operator}(${name})`).join(", ");
  const place = showPosition(derived.declaration.span);
  const numbers = "hits: %d, nsecs: %dmin/%davg/%dmax, variance: %d";
  const format = `${literal(derived.name)}, (${literal(place)}), ${numbers}, from: ${literal(derived.written)}, index: ${index}\\n`;
  return `if (@count(${name})) printf("${format}", ${values})`;
}

/** `text` as it is written in a format. */
function literal(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%");
}
