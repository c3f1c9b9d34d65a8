/** Line tables (DWARF 5 §6.2): rows of a unit, and the names of its source files. */
import type { Die } from "./die.js";
import type { DieReader } from "./dies.js";
import { callNative, type DieId, ROW_FLAG } from "./native.js";
import type { Unit } from "./units.js";

/** A row of a line table. */
export interface SourceLine {
  /** ELF address. */
  readonly address: number;
  /** Path of the source file: absolute, or relative to the directory of the unit. */
  readonly file: string;
  /** From 1; 0 if the code belongs to no line. */
  readonly line: number;
  /** From 1; 0 if unknown. */
  readonly column: number;
  readonly isStatement: boolean;
  /** The address is the first one after a sequence of rows. */
  readonly isEndSequence: boolean;
  readonly isPrologueEnd: boolean;
}

/** Access to the line tables of a file. */
export interface Lines {
  /** Rows by address. */
  lines(unit: Unit): readonly SourceLine[];
  /** Paths by file number; null where there is none. */
  fileNames(unit: Unit): readonly (string | null)[];
  /** Path of the file that `attribute` of the DIE, or of what it leads to, gives as a number. */
  sourceFile(die: Die, attribute: "decl_file" | "call_file"): string | null;
}

const ROW_FIELDS = 5;

/** Line tables of the file that `dies` reads. */
export function openLines(dies: DieReader): Lines {
  const tables = new Map<DieId, readonly SourceLine[]>();
  const names = new Map<DieId, readonly (string | null)[]>();
  const namesOf = (unit: DieId): readonly (string | null)[] => {
    const found = names.get(unit) ?? callNative("fileNames", dies.file, unit);
    names.set(unit, found);
    return found;
  };
  return {
    lines(unit) {
      const id = unit.skeleton.id;
      const found = tables.get(id) ?? readLines(dies, unit, namesOf(id));
      tables.set(id, found);
      return found;
    },
    fileNames: (unit) => namesOf(unit.skeleton.id),
    sourceFile(die, attribute) {
      const owner = dies.owner(die, attribute);
      const value = owner?.attributes.get(attribute);
      if (owner === null || value?.kind !== "constant") return null;
      const unit = callNative("unitDie", dies.file, owner.id);
      return namesOf(unit)[Number(value.value)] ?? null;
    },
  };
}

function readLines(
  dies: DieReader,
  unit: Unit,
  names: readonly (string | null)[],
): readonly SourceLine[] {
  const flat = callNative("lines", dies.file, unit.skeleton.id);
  const rows: SourceLine[] = [];
  for (let i = 0; i < flat.length; i += ROW_FIELDS) {
    const [address = 0, file = 0, line = 0, column = 0, flags = 0] = flat.subarray(
      i,
      i + ROW_FIELDS,
    );
    rows.push({
      address,
      file: names[file] ?? "",
      line,
      column,
      isStatement: (flags & ROW_FLAG.statement) !== 0,
      isEndSequence: (flags & ROW_FLAG.endSequence) !== 0,
      isPrologueEnd: (flags & ROW_FLAG.prologueEnd) !== 0,
    });
  }
  return rows;
}
