/** Sites of `.function("f").label("L")`: labels that have an address in the functions of `f`. */
import type { Die } from "../dwarf/die.js";
import { type ChosenFunction, chooseFunctions } from "./code-functions.js";
import { type CodeQuery, showPlace, targetsAt } from "./code-query.js";
import { codeSite } from "./code-site.js";
import { fileMatcher, type LineChoice, matcher } from "./function-pattern.js";
import { stringArgument, withArguments, withComponents } from "./point.js";
import type { Site } from "./site.js";

/** Sites of the labels that the query means. */
export function labelSites(query: CodeQuery): readonly Site[] {
  const { where, info, pattern } = query;
  const { functions } = chooseFunctions(info, where.module, pattern, where.point);
  return functions.flatMap((code) =>
    labelsIn(query, code.die).flatMap((label) => labelSite(query, code, label)),
  );
}

/** DIEs that are code of their own, or that were inlined. */
const OTHER_CODE: ReadonlySet<string> = new Set(["subprogram", "inlined_subroutine"]);

function labelsIn(query: CodeQuery, parent: Die): readonly Die[] {
  return query.info.children(parent.id).flatMap((die) => {
    if (die.tag === "label") return [die];
    return OTHER_CODE.has(die.tag) ? [] : labelsIn(query, die);
  });
}

function labelSite(query: CodeQuery, code: ChosenFunction, label: Die): readonly Site[] {
  const { where, info, pattern } = query;
  const name = info.text(label, "name");
  const address = label.attributes.get("low_pc");
  const wanted = stringArgument(where.point, "label") ?? "";
  if (name === null || address?.kind !== "address" || !matcher(wanted)(name)) return [];
  const file = info.sourceFile(label, "decl_file") ?? "";
  const line = Number(info.constant(label, "decl_line") ?? 0n);
  if (pattern.file !== null && !fileMatcher(pattern.file)(file)) return [];
  if (pattern.lines !== null && !isOn(pattern.lines, code, line)) return [];
  const shown = withArguments(where.point, { function: showPlace(code.name, file, line) });
  return [
    codeSite({
      where,
      point: withComponents(
        shown,
        shown.components.filter((component) => component.name !== "label"),
      ),
      listed: withArguments(shown, { label: name }),
      address: address.address,
      size: 0,
      symbol: code.name,
      isReturn: false,
      targets: targetsAt(query, code, address.address),
    }),
  ];
}

function isOn(lines: LineChoice, code: ChosenFunction, line: number): boolean {
  switch (lines.kind) {
    case "absolute":
      return line === lines.line;
    case "relative":
      return line === code.line + lines.offset;
    case "ranges":
      return lines.ranges.some(([low, high]) => line >= low && line <= high);
    case "all":
      return true;
  }
}
