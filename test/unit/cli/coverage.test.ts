/** -q: what of the library compilations use is counted in an SQLite data base. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import initSqlJs, { type SqlValue } from "sql.js";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { wastap } from "../../support/tools.js";

const s = suite("cli/coverage");
const root = mkdtempSync(join(tmpdir(), "wastap-"));
s.after(() => rmSync(root, { recursive: true }));

const FILE = `${release().split("-")[0]}.db`;
const SCRIPT = `global a, never
probe alias = begin, end { b = 3 }
function twice(x) { y = x; return y + y }
function unused(x) { return x }
probe alias { a = twice(b); println(a, str_replace("a", "a", "b")) }
`;

const script = join(root, "script.stp");
writeFileSync(script, SCRIPT);

/** Rows of the data base in `directory` that `where` picks. */
async function rows(directory: string, where: string): Promise<readonly SqlValue[][]> {
  const { Database } = await initSqlJs();
  const base = new Database(readFileSync(join(directory, FILE)));
  const columns = "line, col, type, name, compiled, executed";
  const [result] = base.exec(`SELECT ${columns} FROM counts WHERE ${where} ORDER BY type, line`);
  base.close();
  return result?.values ?? [];
}

s("counts probes, functions, locals and globals of each compilation", async () => {
  const directory = join(root, "option");
  const env = { SYSTEMTAP_DIR: directory };
  const own = `file = '${script}'`;
  const once = [
    [5, 1, "1", "alias", 2, 0],
    [3, 10, "2", "twice", 1, 0],
    [2, 28, "3", "b", 2, 0],
    [3, 21, "3", "y", 1, 0],
    [1, 8, "4", "a", 1, 0],
  ];
  assert.is(wastap(["-q", "-w", "-p2", script], { env }).status, 0);
  assert.equal(await rows(directory, own), once);
  assert.is(wastap(["-q", "-w", "-p4", "-m", "covered", script], { env, cwd: root }).status, 0);
  const twice = once.map((row) => row.with(4, 2 * Number(row[4])));
  assert.equal(await rows(directory, own), twice);
  const library = await rows(directory, "name = 'str_replace'");
  assert.equal(
    library.map((row) => row.slice(2)),
    [["2", "str_replace", 2, 0]],
  );
});

s("counts with $SYSTEMTAP_COVERAGE, too, and not without either", async () => {
  const directory = join(root, "variable");
  const env = { SYSTEMTAP_DIR: directory };
  assert.is(wastap(["-w", "-p2", script], { env }).status, 0);
  assert.not(existsSync(join(directory, FILE)));
  assert.is(wastap(["-w", "-p2", script], { env: { ...env, SYSTEMTAP_COVERAGE: "1" } }).status, 0);
  assert.is((await rows(directory, "name = 'twice'")).length, 1);
});

s("goes on where there is no data base to be written", () => {
  const directory = join(root, "damaged");
  const env = { SYSTEMTAP_DIR: directory };
  wastap(["-q", "-w", "-p2", script], { env });
  writeFileSync(
    join(directory, FILE),
    "this is no data base, and longer than a header of one ".repeat(20),
  );
  const { status, stderr } = wastap(["-q", "-p2", script], { env });
  assert.is(status, 0);
  assert.match(stderr, /WARNING: coverage is not kept in ".*\.db": file is not a database/);
});

s.run();
