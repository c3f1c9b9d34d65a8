/**
 * The data base of -q and $SYSTEMTAP_COVERAGE, which says how often compilations have used what of
 * the tapset library: SQLite file RELEASE.db in the user's directory, RELEASE that of the kernel up
 * to its first "-", table `counts` as SystemTap 4.8 makes it.
 *
 *   counts (file, line, col, type, name, parent, compiled, executed)
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import initSqlJs, { type SqlJsStatic } from "sql.js";
import { COVERED, type Covered } from "../compiler/coverage.js";
import { userDirectory } from "./rc-file.js";

const TABLE = `CREATE TABLE IF NOT EXISTS counts
  (file text, line integer, col integer, type text, name text, parent text, compiled integer, executed integer)`;
const INDEX = "CREATE UNIQUE INDEX IF NOT EXISTS tokens ON counts (file, line, col, type, name)";
const COUNT = `INSERT INTO counts VALUES (?, ?, ?, ?, ?, '', ?, 0)
  ON CONFLICT (file, line, col, type, name) DO UPDATE SET compiled = compiled + excluded.compiled`;

/** The file of the data base. */
export function coverageFile(): string {
  return join(userDirectory(), `${release().split("-")[0]}.db`);
}

/** Adds `pieces` to the data base. Rejects if it cannot be read or written. */
export async function recordCoverage(pieces: readonly Covered[]): Promise<void> {
  const path = coverageFile();
  const sql = await initSqlJs();
  const image = withPieces(sql, readIfThere(path), pieces);
  mkdirSync(userDirectory(), { recursive: true });
  const unfinished = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(unfinished, image);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** The data base `image` (null: a new one) with `pieces` added. */
function withPieces(
  sql: SqlJsStatic,
  image: Uint8Array | null,
  pieces: readonly Covered[],
): Uint8Array {
  const base = new sql.Database(image);
  try {
    base.run(TABLE);
    base.run(INDEX);
    const count = base.prepare(COUNT);
    for (const { file, line, column, kind, name, uses } of pieces) {
      count.run([file, line, column, COVERED[kind], name, uses]);
    }
    count.free();
    return base.export();
  } finally {
    base.close();
  }
}

function readIfThere(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
