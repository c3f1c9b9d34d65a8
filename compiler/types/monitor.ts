/**
 * --monitor: what the monitor shows and changes while a session runs (cli.md §8). Each handler gets
 * statistics of its time and a switch, a condition of its own; procfs probes tell of both and of the
 * user's globals, and change them. They are source text, parsed like any other, and their files are
 * seen by the monitor only (cli/monitor.ts).
 *
 *   __monitor/N   read      p INDEX ON HITS MIN AVG MAX NAME for some probes, g NAME VALUE for some globals
 *   __monitor     write     clear, pause, resume, or the index of a probe to be switched
 *
 * Lines; their fields are separated by tabs.
 */
import { bug } from "../../base/assert.js";
import type { HandlerSymbol, VariableSymbol } from "../elaborate/symbol.js";
import { showString } from "../syntax/strings.js";
import { cellsOf, type Inference } from "./cells.js";
import type { Type } from "./program.js";
import { timingGlobal } from "./timing.js";

/** Lines of one file, well below what a handler may do. */
const LINES_PER_FILE = 100;
/** Bytes that one line may have: those of a string. */
const LINE_BYTES = 512;
/** Elements of an array that are shown. */
const ELEMENTS = 4;

/** Name of the switch of handler `index`. */
export function switchGlobal(index: number): string {
  return `__on${index}`;
}

/** What a monitor is about. */
export interface Monitored {
  /** Each of one probe. */
  readonly handlers: readonly HandlerSymbol[];
  readonly globals: readonly VariableSymbol[];
  readonly state: Inference;
  /** -G */
  readonly given: ReadonlyMap<string, string>;
}

/** Text of statistics, switches and probes for `monitored`. */
export function monitorScript(monitored: Monitored): string {
  const { handlers, globals, state } = monitored;
  const declared = handlers.map(
    (_, index) => `global ${timingGlobal(index)}, ${switchGlobal(index)} = 1\n`,
  );
  const lines = [
    ...handlers.map(probeLine),
    ...globals.map((variable) => globalLine(variable, state)),
  ];
  const probes: string[] = [];
  for (let i = 0; i < lines.length; i += LINES_PER_FILE) {
    const some = lines.slice(i, i + LINES_PER_FILE);
    const point = `procfs("__monitor/${probes.length}").read.maxsize(${some.length * LINE_BYTES})`;
    probes.push(`probe ${point} { ${some.join("\n")} }\n`);
  }
  return [...declared, ...probes, controlProbe(monitored)].join("");
}

function probeLine({ probes }: HandlerSymbol, index: number): string {
  const [derived] = probes;
  const { name } = derived ?? bug("a handler without probes");
  const times = timingGlobal(index);
  const values = ["min", "avg", "max"].map((each) => `@count(${times}) ? @${each}(${times}) : 0`);
  const numbers = [switchGlobal(index), `@count(${times})`, ...values].join(", ");
  return `$value .= sprintf("p\\t${index}\\t%d\\t%d\\t%d\\t%d\\t%d\\t%s\\n", ${numbers}, ${showString(name)})`;
}

function globalLine(variable: VariableSymbol, state: Inference): string {
  const { value, keys } = cellsOf(variable, state);
  const { name } = variable;
  const start = `$value .= "g\\t${name}\\t"`;
  const end = `$value .= "\\n"`;
  if (keys.length === 0) return [start, show("", [], name, value.type), end].join("\n");
  const indexes = keys.map((_, i) => `__idx${i}`);
  const label = keys.map((key) => conversion(key.type)).join(",");
  const element = `${name}[${indexes.join(", ")}]`;
  const shown = show(`[${label}]=`, indexes, element, value.type);
  const each = `foreach ([${indexes.join(", ")}] in ${name}- limit ${ELEMENTS}) { ${shown} }`;
  return [start, each, end].join("\n");
}

function show(label: string, keys: readonly string[], value: string, type: Type | null): string {
  const add = (format: string, ...values: readonly string[]): string =>
    `$value .= sprintf("${label}${format} ", ${[...keys, ...values].join(", ")})`;
  if (type !== "stats") return add(conversion(type), value);
  const operators = ["count", "min", "avg", "max"];
  const full = add(
    operators.map((each) => `@${each}=%d`).join(" "),
    ...operators.map((each) => `@${each}(${value})`),
  );
  return `if (@count(${value})) ${full} else ${add("@count=%d", `@count(${value})`)}`;
}

function conversion(type: Type | null): string {
  return type === "string" ? '\\"%#s\\"' : "%d";
}

function controlProbe(monitored: Monitored): string {
  const { handlers, globals } = monitored;
  const switches = handlers.map((_, index) => switchGlobal(index));
  const all = (value: number): string => switches.map((each) => `${each} = ${value}`).join("\n");
  const clears = [
    ...handlers.map((_, index) => `delete ${timingGlobal(index)}`),
    ...globals.map((variable) => clearGlobal(variable, monitored)),
  ];
  const toggles = switches.map((each, index) => `if (which == ${index}) ${each} = !${each}`);
  return `probe procfs("__monitor").write {
    if ($value == "clear") { ${clears.join("\n")} }
    else if ($value == "pause") { ${all(0)} }
    else if ($value == "resume") { ${all(1)} }
    else { which = strtol($value, 10)\n${toggles.join("\n")} }
  }\n`;
}

/** Gives `variable` its first value again. */
function clearGlobal(variable: VariableSymbol, { state, given }: Monitored): string {
  const { name, arity, declaration } = variable;
  const first = given.get(name) ?? declaration?.initial?.value;
  if (first === undefined || (arity ?? 0) > 0) return `delete ${name}`;
  const isText = cellsOf(variable, state).value.type === "string";
  return `${name} = ${isText ? showString(String(first)) : first}`;
}
