/** The same program in all forms of DWARF: what the reader says is the same, and what nm says. */
import { linkSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type DebugInfo, openDebugInfo } from "../../../compiler/dwarf/debug-info.js";
import type { Die } from "../../../compiler/dwarf/die.js";
import {
  addressByNm,
  compileInto,
  emptyDirectory,
  missingTool,
} from "../../support/dwarf-programs.js";

const s = suite("dwarf/debug-info");

const FORMS: readonly (readonly string[])[] = [
  ["g++", "-O2", "-gdwarf-5"],
  ["g++", "-O2", "-gdwarf-4"],
  ["g++", "-O2", "-gdwarf-4", "-fdebug-types-section"],
  ["g++", "-O2", "-gdwarf-5", "-fdebug-types-section"],
  ["g++", "-O2", "-gdwarf-5", "-gz"],
  ["g++", "-O2", "-gdwarf-4", "-gz=zlib-gnu"],
  ["g++", "-O2", "-gdwarf-5", "-gsplit-dwarf"],
  ["g++", "-O2", "-gdwarf-4", "-gsplit-dwarf", "-fdebug-types-section"],
  ["g++", "-O3", "-gdwarf-5", "-flto", "-no-pie"],
  ["clang++", "-O2", "-gdwarf-5"],
  ["clang++", "-O2", "-gdwarf-4"],
  ["clang++", "-O2", "-gdwarf-5", "-gsplit-dwarf"],
  ["clang++", "-O2", "-gdwarf-4", "-gsplit-dwarf", "-fdebug-types-section"],
];

interface Opened {
  readonly info: DebugInfo;
  readonly path: string;
}

const opened = new Map<readonly string[], Opened>();

/** Opens the program in the given form. */
function open(form: readonly string[]): Opened {
  const known = opened.get(form) ?? build(form);
  opened.set(form, known);
  return known;
}

function build([compiler = "", ...flags]: readonly string[]): Opened {
  const name = [compiler, ...flags].join("").replaceAll(/[^A-Za-z0-9]/g, "");
  const directory = emptyDirectory(join("debug-info", name));
  const path = compileInto(directory, "shapes", { source: "shapes.cc", compiler, flags });
  const info = openDebugInfo(path);
  assert.ok(info);
  return { info: info as DebugInfo, path };
}

function only<T>(found: readonly T[]): T {
  assert.is(found.length, 1);
  return found[0] as T;
}

function names(info: DebugInfo, dies: readonly Die[]): (string | null)[] {
  return dies.map((die) => info.text(die, "name"));
}

for (const form of FORMS) {
  const title = form.join(" ");
  const missing = missingTool(["nm", form[0] ?? ""]);
  if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
  const test = missing === null ? s : s.skip;

  test(`${title}: a function by its name and by its linkage name`, () => {
    const { info, path } = open(form);
    const address = addressByNm(path, "shapes::area(shapes::Point const*, int)");
    const area = only(info.functions("area").filter(({ isInlined }) => !isInlined));
    assert.is(area.entryPc, address);
    assert.is(area.ranges[0]?.begin, address);
    assert.is(area.qualifiedName, "shapes::area");
    assert.is(area.linkageName, "_ZN6shapes4areaEPKNS_5PointEi");
    assert.match(area.file ?? "", /shapes\.cc$/);
    assert.is(area.line, 24);
    assert.ok(area.isExternal);
    const same = info.functions("_ZN6shapes4areaEPKNS_5PointEi");
    assert.ok(same.some(({ entryPc }) => entryPc === address));
    assert.equal(info.functions("rea"), []);
    assert.ok(info.functions((name) => /^ar.a$/.test(name)).length > 0);
  });

  test(`${title}: parameters, their types and places`, () => {
    const { info } = open(form);
    const area = only(info.functions("area").filter(({ isInlined }) => !isInlined));
    const parameters = info.children(area.die.id).filter(({ tag }) => tag === "formal_parameter");
    assert.equal(names(info, parameters), ["point", "scale"]);
    const [point, scale] = parameters as [Die, Die];
    assert.is(info.reference(point, "type")?.tag, "pointer_type");
    assert.is(info.text(info.reference(scale, "type") ?? point, "name"), "int");
    const at = info
      .locations(point.id, "location")
      .find(({ begin, end }) => begin <= (area.entryPc ?? 0) && (area.entryPc ?? 0) < end);
    assert.equal(
      at?.operations.map(({ atom, number }) => [atom, number]),
      [["reg", 5n]],
    );
  });

  test(`${title}: inline instances and the scopes around an address`, () => {
    const { info } = open(form);
    const twice = info.functions("twice").find(({ isInlined }) => isInlined);
    const instances = info.inlineInstances(twice?.origin.id ?? (0 as Die["id"]));
    assert.ok(instances.length > 0);
    const instance = instances.find(({ entryPc }) => entryPc !== null);
    assert.match(instance?.callFile ?? "", /shapes\.cc$/);
    assert.ok([25, 30].includes(instance?.callLine ?? 0));
    const address = instance?.ranges[0]?.begin ?? 0;
    const unit = info.unitAt(address);
    assert.ok(unit);
    const scopes = unit === null ? [] : info.scopesAt(unit, address);
    assert.is(scopes[0]?.tag, "inlined_subroutine");
    assert.ok(names(info, scopes).includes("area"));
    assert.is(scopes.at(-1)?.tag, "compile_unit");
    const around = info.enclosing(scopes[0]?.id ?? (0 as Die["id"]));
    assert.equal(
      around.map(({ id }) => id),
      scopes.slice(1).map(({ id }) => id),
    );
  });

  test(`${title}: units and line tables`, () => {
    const { info, path } = open(form);
    const address = addressByNm(path, "shapes::area(shapes::Point const*, int)");
    const unit = info.unitAt(address);
    assert.match(unit?.language ?? "", /^C_plus_plus/);
    assert.is(unit?.version, form.includes("-gdwarf-4") ? 4 : 5);
    assert.ok(info.units().some(({ name }) => name.endsWith("shapes.cc")));
    const rows = unit === null ? [] : info.lines(unit);
    const row = rows.find((line) => line.address === address);
    assert.is(row?.line, 24);
    assert.ok(row?.isStatement);
    assert.match(row?.file ?? "", /shapes\.cc$/);
    assert.ok(rows.some(({ isEndSequence }) => isEndSequence));
    assert.is(info.unitAt(0), null);
  });

  test(`${title}: members of a type, and who names what`, () => {
    const { info } = open(form);
    const area = only(info.functions("area").filter(({ isInlined }) => !isInlined));
    const point = info.children(area.die.id).find((die) => info.text(die, "name") === "point");
    let type = point ?? area.die;
    for (let i = 0; i < 3; i++) type = info.reference(type, "type") ?? type;
    assert.ok(names(info, info.children(type.id)).includes("y"));
    assert.not.ok(info.flag(area.die, "declaration"));
    assert.not.ok(info.flag(type, "declaration"));
    for (const name of ["int", "Point", "made", "hidden", "sum", "nobody"]) {
      const naming = info.unitsNaming(name).map((unit) => unit.name.replace(/.*\//, ""));
      // Link-time optimization has units of its own, which refer to the others.
      const own = new Set(naming.filter((each) => each !== "<artificial>"));
      const expected = name === "nobody" || name === "sum" ? [] : ["shapes.cc"];
      assert.equal([...own], expected, name);
    }
  });

  test(`${title}: variables of the program`, () => {
    const { info, path } = open(form);
    const address = addressByNm(path, "shapes::Point::made");
    const made = info
      .units()
      .flatMap((unit) => [...everyDie(info, unit.die)])
      .filter((die) => info.text(die, "name") === "made")
      .flatMap((die) => info.locations(die.id, "location"))
      .flatMap(({ operations }) => operations);
    assert.equal(
      made.map(({ atom, number }) => [atom, number]),
      [["addr", BigInt(address)]],
    );
  });

  test(`${title}: frames`, () => {
    const { info, path } = open(form);
    const address = addressByNm(path, "shapes::area(shapes::Point const*, int)");
    assert.equal(
      info.frameRules(address)?.cfa?.map(({ atom, number, number2 }) => [atom, number, number2]),
      [["breg", 7n, 8n]],
    );
    const returnAddress = info.frameRules(address)?.register(16);
    assert.ok(Array.isArray(returnAddress));
    assert.is(info.frameRules(0), null);
    assert.is(info.frameRules(address), info.frameRules(address), "read once");
  });
}

const assembler = missingTool(["gcc"]) === null ? s : s.skip;
assembler("frames: restored rules hold where they are restored", () => {
  const directory = emptyDirectory(join("debug-info", "restored"));
  const flags = ["-g", "-no-pie"];
  const path = compileInto(directory, "restored", { source: "restored.s", compiler: "gcc", flags });
  const info = openDebugInfo(path) as DebugInfo;
  const [main, early, other] = ["main", "early", "other"].map((name) => addressByNm(path, name));
  const size = (address = 0): bigint | undefined => info.frameRules(address)?.cfa?.[0]?.number2;
  assert.equal([size(other), size(early), size(main)], [16n, 8n, 8n]);
});

const FILES = 40;

// libdw takes memory that it has not set for the unit of such an expression: what is read there
// depends on what was freed before.
(missingTool(["gcc"]) === null ? s : s.skip)("types in values at an entry, file after file", () => {
  const flags = ["-gdwarf-5", "-O2"];
  const directory = emptyDirectory(join("debug-info", "entry-values"));
  const path = compileInto(directory, "values", { source: "values.c", compiler: "gcc", flags });
  const types = Array.from({ length: FILES }, (_, i) => {
    linkSync(path, `${path}-${i}`);
    const info = openDebugInfo(`${path}-${i}`) as DebugInfo;
    return info
      .units()
      .flatMap((unit) => [...everyDie(info, unit.die)])
      .flatMap((die) => info.locations(die.id, "location"))
      .flatMap(({ operations }) => operations.flatMap(({ expression }) => expression ?? []))
      .map(({ die }) => (die === null ? null : info.text(info.die(die), "name")));
  });
  assert.ok(types[0]?.includes("double"));
  for (const each of types) assert.equal(each, types[0]);
});

function* everyDie(info: DebugInfo, die: Die): Generator<Die> {
  yield die;
  for (const child of info.children(die.id)) yield* everyDie(info, child);
}

s.run();
