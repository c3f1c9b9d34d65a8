/** PostgreSQL 15: the text of every query of every backend, while pgbench runs. */
import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasProgram, type Running, start, startWastap } from "../support/tools.js";

const BIN = "/usr/lib/postgresql/15/bin";
const s = suite("run/postgres");
const available = hasProgram(`${BIN}/postgres`) && hasProgram(`${BIN}/pgbench`);
const test = available ? s : s.skip;
if (!available) process.stdout.write("skipped: no PostgreSQL 15 with pgbench\n");

/** PostgreSQL refuses to run as root. */
const uid = process.getuid?.() === 0 ? 65534 : undefined;
const owner = uid === undefined ? {} : { uid };

function tool(name: string, args: readonly string[]): string {
  const result = spawnSync(join(BIN, name), args, {
    encoding: "utf8",
    timeout: 120_000,
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: { ...process.env, LC_ALL: "C.UTF-8", HOME: "/tmp" },
  });
  assert.is(result.status, 0, `${name}: ${result.stderr}`);
  return result.stdout;
}

async function startServer(directory: string): Promise<Running> {
  tool("initdb", ["-D", join(directory, "data"), "-A", "trust", "-U", "pg", "--no-sync"]);
  const args = ["-D", join(directory, "data"), "-k", directory, "-c", "listen_addresses="];
  const server = start(join(BIN, "postgres"), [...args, "-c", "fsync=off"], owner);
  await server.until(/ready to accept connections/, "errors");
  return server;
}

test("every query of pgbench is seen, and pgbench is unharmed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-pg-"));
  if (uid !== undefined) chownSync(directory, uid, uid);
  const server = await startServer(directory);
  const common = ["-h", directory, "-U", "pg", "postgres"];
  tool("pgbench", ["-i", "-s", "1", "-q", ...common]);
  const script = `probe begin { println("armed") }
    probe process("${BIN}/postgres").mark("query__start") {
      printf("%d %s\\n", pid(), user_string($arg1))
    }`;
  const tap = startWastap(["-e", script, "-x", String(server.pid), "-v"]);
  await tap.until(/Pass 5: starting run/, "errors");
  await tap.until(/armed/);
  await tap.until(/probes armed/, "errors");
  const report = tool("pgbench", ["-n", "-c", "4", "-t", "200", ...common]);
  tap.child.kill("SIGINT");
  const result = await tap.finished();
  assert.match(report, /number of transactions actually processed: 800\/800/);
  assert.match(report, /number of failed transactions: 0 /);
  assert.is(result.status, 0, result.stderr);
  const lines = result.stdout.split("\n");
  const inserts = lines.filter((line) => /^\d+ INSERT INTO pgbench_history .*;$/.test(line));
  assert.is(inserts.length, 800);
  const backends = new Set(inserts.map((line) => line.split(" ")[0]));
  assert.is(backends.size, 4, "one process per connection");
  assert.is(server.child.exitCode, null);
  tool("psql", [...common, "-c", "select 1"]);
  server.child.kill("SIGQUIT");
  await server.finished();
});

s.run();
