/** Debug files from servers on this machine: Debian's debuginfod, and one that only refuses. */
import { copyFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openDebugInfo } from "../../../compiler/dwarf/debug-info.js";
import { compileInto, emptyDirectory, missingTool, runTool } from "../../support/dwarf-programs.js";
import { type Running, start } from "../../support/tools.js";

const s = suite("dwarf/debuginfod");
const noTools = missingTool(["g++", "objcopy", "readelf"]);
const noServer = noTools ?? missingTool(["debuginfod"]);
for (const reason of new Set([noTools, noServer])) {
  if (reason !== null) process.stdout.write(`skipped: ${reason}\n`);
}
const test = noTools === null ? s : s.skip;
const testWithServer = noServer === null ? s : s.skip;

/** Answers every request with the status given and prints a line for it. */
const REFUSING_SERVER = `
  const server = require("node:http").createServer((request, response) => {
    console.log("asked " + request.url);
    response.writeHead(Number(process.argv[1])).end();
  });
  server.listen(0, "127.0.0.1", () => console.log("port " + server.address().port));
`;

interface Stripped {
  readonly directory: string;
  readonly program: string;
  readonly buildId: string;
}

/** A stripped program, whose debug file is in the directory "debug". */
function strip(name: string): Stripped {
  const directory = emptyDirectory(join("debuginfod", name));
  const debug = emptyDirectory(join("debuginfod", name, "debug"));
  const whole = compileInto(directory, "whole", {
    source: "shapes.cc",
    compiler: "g++",
    flags: ["-g", "-O2"],
  });
  const program = join(directory, "program");
  runTool("objcopy", ["--only-keep-debug", whole, join(debug, "shapes")], directory);
  runTool("objcopy", ["--strip-all", whole, program], directory);
  const buildId = /Build ID: ([0-9a-f]+)/.exec(runTool("readelf", ["-n", whole], directory))?.[1];
  return { directory, program, buildId: buildId ?? "" };
}

function useServer(url: string, cache: string): void {
  Object.assign(process.env, { DEBUGINFOD_URLS: url, DEBUGINFOD_CACHE_PATH: cache });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function stop(server: Running): Promise<void> {
  server.child.kill("SIGKILL");
  await server.finished();
}

s.after.each(() => {
  delete process.env["DEBUGINFOD_URLS"];
  delete process.env["DEBUGINFOD_CACHE_PATH"];
});

testWithServer("a debug file is downloaded once", async () => {
  const { directory, program, buildId } = strip("download");
  const cache = join(directory, "cache");
  const port = await freePort();
  const server = start("debuginfod", ["-v", "-F", "-p", `${port}`, "-d", ":memory:", "debug"], {
    cwd: directory,
  });
  await server.until(/groomed database/, "errors");
  useServer(`http://127.0.0.1:${port}`, cache);
  const copy = join(directory, "copy");
  copyFileSync(program, copy);
  assert.is(openDebugInfo(program)?.functions("area").length, 1);
  await stop(server);
  const downloaded = readFileSync(join(cache, buildId, "debuginfo"));
  assert.equal(downloaded, readFileSync(join(directory, "debug", "shapes")));
  assert.is(openDebugInfo(copy)?.functions("area").length, 1);
});

test("that no server has a file is remembered", async () => {
  const { directory, program, buildId } = strip("miss");
  const cache = join(directory, "cache");
  const server = start(process.execPath, ["-e", REFUSING_SERVER, "404"]);
  const port = (await server.until(/port \d+/)).slice("port ".length);
  useServer(`http://127.0.0.1:${port}/`, cache);
  assert.is(openDebugInfo(program), null);
  const copy = join(directory, "copy");
  copyFileSync(program, copy);
  assert.is(openDebugInfo(copy), null);
  await stop(server);
  assert.is(server.output().split(`asked /buildid/${buildId}/debuginfo`).length - 1, 1);
  assert.is(statSync(join(cache, buildId, "debuginfo")).size, 0);
});

test("a server that fails is asked again", async () => {
  const { directory, program, buildId } = strip("failure");
  const cache = join(directory, "cache");
  const server = start(process.execPath, ["-e", REFUSING_SERVER, "500"]);
  const port = (await server.until(/port \d+/)).slice("port ".length);
  useServer(`http://127.0.0.1:${port}`, cache);
  assert.is(openDebugInfo(program), null);
  await stop(server);
  assert.not.ok(existsSync(join(cache, buildId, "debuginfo")));
});

test("what is in the cache is taken without asking", () => {
  const { directory, program, buildId } = strip("cached");
  const cache = emptyDirectory(join("debuginfod", "cached-cache", buildId));
  copyFileSync(join(directory, "debug", "shapes"), join(cache, "debuginfo"));
  useServer("http://127.0.0.1:1", join(cache, ".."));
  assert.is(openDebugInfo(program)?.functions("area").length, 1);
});

test("without DEBUGINFOD_URLS nothing is asked or taken", () => {
  const { directory, program, buildId } = strip("unset");
  const cache = emptyDirectory(join("debuginfod", "unset-cache", buildId));
  copyFileSync(join(directory, "debug", "shapes"), join(cache, "debuginfo"));
  process.env["DEBUGINFOD_CACHE_PATH"] = join(cache, "..");
  assert.is(openDebugInfo(program), null);
});

s.run();
