/** Sites of `.statement("f@file:lines")`: the line records of the functions that `f` chooses. */
import type { ProbePoint } from "../syntax/ast.js";
import { type ChosenFunction, chooseFunctions } from "./code-functions.js";
import { type CodeQuery, showPlace, targetsAt } from "./code-query.js";
import { findAround } from "./code-ranges.js";
import { codeSite } from "./code-site.js";
import type { LineChoice } from "./function-pattern.js";
import { withPlace } from "./function-sites.js";
import { hasComponent } from "./point.js";
import { ResolutionError } from "./report.js";
import type { Site } from "./site.js";
import {
  type FileLines,
  findStatements,
  linesOfFile,
  type NoStatement,
  type Statement,
} from "./statement-lines.js";

/** Sites of the lines that the query means; throws a ResolutionError that names lines near by. */
export function statementSites(query: CodeQuery, lines: LineChoice): readonly Site[] {
  const { where, info, pattern } = query;
  const { functions } = chooseFunctions(info, where.module, pattern, where.point);
  const sites: Site[] = [];
  let missing: ResolutionError | null = null;
  for (const unit of groupBy(functions, ({ unit }) => unit).values()) {
    const around = findAround(unit);
    for (const [file, here] of groupBy(unit, (code) => code.file)) {
      const found = statementsIn(query, here, file, lines);
      if ("near" in found) missing ??= noRecords(file, found);
      else
        for (const each of found) sites.push(...sitesOf(query, around(each.address), each, lines));
    }
  }
  if (sites.length === 0 && missing !== null) throw missing;
  return sites;
}

function statementsIn(
  { where, info }: CodeQuery,
  functions: readonly ChosenFunction[],
  file: string,
  lines: LineChoice,
): readonly Statement[] | NoStatement {
  const [first] = functions;
  if (first === undefined) return [];
  const records = info.lines(first.unit);
  const table: FileLines = linesOfFile(
    records.filter(({ isEndSequence }) => !isEndSequence),
    file,
  );
  return findStatements(records, table, functions, lines, hasComponent(where.point, "nearest"));
}

/** A site for each of the functions that hold the statement: where it is inlined, those around too. */
function sitesOf(
  query: CodeQuery,
  functions: readonly ChosenFunction[],
  { address, line }: Statement,
  lines: LineChoice,
): readonly Site[] {
  const { where } = query;
  return functions.map((code) => {
    const place = (name: string, at: number): ProbePoint =>
      withPlace(where.point, showPlace(name, code.file, at));
    const wanted = wantedLine(lines, code) ?? line;
    return codeSite({
      where,
      point: withoutNearest(place(code.name, line)),
      listed: place(code.listedName, wanted),
      address,
      size: 0,
      symbol: code.name,
      isReturn: false,
      targets: targetsAt(query, code, address),
    });
  });
}

/** The line that was asked for, which with `.nearest` need not be the one that was found. */
function wantedLine(lines: LineChoice, code: ChosenFunction): number | null {
  if (lines.kind === "absolute") return lines.line;
  return lines.kind === "relative" ? code.line + lines.offset : null;
}

function withoutNearest(point: ProbePoint): ProbePoint {
  return { ...point, components: point.components.filter(({ name }) => name !== "nearest") };
}

function noRecords(file: string, { line, near }: NoStatement): ResolutionError {
  const hint = near.length === 0 ? "" : ` (try ${near.map((each) => `:${each}`).join(" or ")})`;
  const message = `no line records for ${file}:${line} [man error::dwarf]${hint}`;
  return new ResolutionError("no-line-records", message);
}

function groupBy<Key, Item>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): Map<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
