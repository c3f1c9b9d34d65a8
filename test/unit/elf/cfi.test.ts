/** Call frame information of real files, row by row as binutils' readelf interprets it. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type FrameSection, frameSections, readFrameEntries } from "../../../base/elf/cfi.js";
import { type FrameRow, RULE, runFrameEntries } from "../../../base/elf/cfi-rows.js";
import { parseElf } from "../../../base/elf/image.js";
import { FRAME } from "../../../wasm-runtime/layout/private.js";
import { hasProgram } from "../../support/tools.js";

const s = suite("elf/cfi");
const test = hasProgram("readelf") ? s : s.skip;
if (!hasProgram("readelf")) process.stdout.write("skipped: no readelf (binutils)\n");

const REGISTERS = FRAME.registers.map((name) => (name === "rip" ? "ra" : name));

/** What readelf shows for a column, "" for one without a rule. */
function showColumn(row: FrameRow, column: number): string {
  const value = row.values[column] ?? 0;
  const sign = value < 0 ? "" : "+";
  switch (row.kinds[column]) {
    case RULE.undefined:
      return "u";
    case RULE.offset:
      return `c${sign}${value}`;
    case RULE.value:
      return `v${sign}${value}`;
    case RULE.register:
      return `r${value}`;
    case RULE.expression:
      return "exp";
    case RULE.expressionValue:
      return "vexp";
    default:
      return "";
  }
}

function showCfa({ cfaKind, cfaRegister, cfaValue }: FrameRow): string {
  if (cfaKind === RULE.expression) return "exp";
  return `${REGISTERS[cfaRegister] ?? "?"}${cfaValue < 0 ? "" : "+"}${cfaValue}`;
}

/** Rows of a section by address: the CFA, then the columns that have rules. */
function ownRows(section: FrameSection): Map<number, Map<string, string>> {
  const rows = new Map<number, Map<string, string>>();
  runFrameEntries(section, readFrameEntries(section), {
    row: (address, row) => {
      const columns = REGISTERS.map((name, column) => [name, showColumn(row, column)] as const);
      rows.set(address, new Map([["CFA", showCfa(row)], ...columns]));
    },
    expression: () => 0,
  });
  return rows;
}

/** The same as readelf shows it, for the entries of functions that have more than one row. */
function* shownRows(path: string): Generator<[number, Map<string, string>]> {
  const args = ["--debug-dump=frames-interp", path];
  const { stdout } = spawnSync("readelf", args, { encoding: "utf8", maxBuffer: 1 << 28 });
  let names: string[] = [];
  let isEntry = false;
  for (const line of stdout.split("\n")) {
    if (/\b(FDE|CIE)\b/.test(line)) isEntry = line.includes("FDE");
    const words = line
      .replaceAll(/ \(\w+\)/g, "")
      .trim()
      .split(/\s+/);
    if (words[0] === "LOC") names = words.slice(1);
    else if (isEntry && /^[0-9a-f]{16} /.test(line)) {
      const pairs = names.map((name, i): [string, string] => [name, words[i + 1] ?? ""]);
      yield [Number.parseInt(words[0] ?? "", 16), new Map(pairs)];
    }
  }
}

const FILES = [
  process.execPath,
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
  "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
];

/** Rows of each file that are compared. */
const MOST_ROWS = 50_000;

for (const path of FILES.filter((file) => existsSync(file))) {
  test(`rows of ${path}`, () => {
    const [section] = frameSections(parseElf(readFileSync(path), path));
    assert.ok(section !== undefined);
    const rows = section === undefined ? new Map() : ownRows(section);
    let compared = 0;
    for (const [address, shown] of shownRows(path)) {
      const own = rows.get(address) ?? new Map<string, string>();
      for (const [name, value] of shown) {
        // readelf shows "u" for a column without a rule, "s" for one that is said to stay.
        const found = own.get(name) ?? "";
        const isSame = found === value || (found === "" && (value === "u" || value === "s"));
        if (!isSame) assert.is(`${name} ${found}`, `${name} ${value}`, `0x${address.toString(16)}`);
      }
      if (++compared === MOST_ROWS) break;
    }
    assert.ok(compared > 1000, `${compared} rows`);
  });
}

test("damaged sections end the reading and nothing else", () => {
  const path = "/lib/x86_64-linux-gnu/libc.so.6";
  if (!existsSync(path)) return;
  const [section] = frameSections(parseElf(readFileSync(path), path));
  assert.ok(section !== undefined);
  if (section === undefined) return;
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state % below;
  };
  for (let round = 0; round < 20; round++) {
    const bytes = Uint8Array.from(section.bytes.subarray(0, 4096 + random(4096)));
    for (let i = 0; i < 100; i++) bytes[random(bytes.length)] = random(256);
    const damaged = { ...section, bytes };
    let rows = 0;
    runFrameEntries(damaged, readFrameEntries(damaged), {
      row: () => rows++,
      expression: (expression) => expression.length,
    });
    assert.ok(rows < 100_000);
  }
});

s.run();
