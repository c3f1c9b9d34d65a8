/** The compile cache: what is found again, and what is not trusted. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { emptyCache, entryPath } from "../../../base/cache.js";
import type { FileSearch } from "../../../base/stage.js";
import { readEntry, writeEntry } from "../../../cli/cache.js";
import { cacheKey, findDependencies } from "../../../cli/cache-key.js";
import { readCompileInput } from "../../../cli/compile-input.js";
import { parseOptions } from "../../../cli/parse-options.js";

const s = suite("cli/cache");
const root = mkdtempSync(join(tmpdir(), "wastap-"));
s.after(() => rmSync(root, { recursive: true }));

const KEY = "ab".repeat(32);
const BUNDLE = new Uint8Array([1, 2, 3]);
const NOTHING = { searches: [], files: [] };

/** A cache with one entry. */
function filled(name: string): { readonly directory: string; readonly path: string } {
  const directory = join(root, name);
  assert.ok(writeEntry(directory, KEY, { bundle: BUNDLE, dependencies: NOTHING }));
  return { directory, path: entryPath(directory, KEY) };
}

s("finds what was kept, and nothing else", () => {
  const { directory, path } = filled("found");
  assert.equal([...(readEntry(directory, KEY) ?? [])], [1, 2, 3]);
  assert.is(readEntry(directory, "cd".repeat(32)), null);
  assert.is(statSync(path).mode & 0o077, 0);
  assert.equal(readdirSync(dirname(path)).length, 1);
});

s("takes a damaged entry for none", () => {
  const { directory, path } = filled("damaged");
  const bytes = readFileSync(path);
  for (const wrong of [bytes.subarray(0, 20), Buffer.from(""), Buffer.alloc(50, 0xc1)]) {
    writeFileSync(path, wrong);
    assert.is(readEntry(directory, KEY), null);
  }
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(9, flipped.lastIndexOf(3));
  writeFileSync(path, flipped);
  assert.is(readEntry(directory, KEY), null);
});

s("takes an entry under another name for none", () => {
  const { directory, path } = filled("renamed");
  const other = "ac".repeat(32);
  mkdirSync(dirname(entryPath(directory, other)));
  writeFileSync(entryPath(directory, other), readFileSync(path));
  assert.is(readEntry(directory, other), null);
});

s("follows no link and trusts nothing that others can write", () => {
  const { directory, path } = filled("links");
  writeFileSync(join(root, "elsewhere"), readFileSync(path), { mode: 0o600 });
  rmSync(path);
  symlinkSync(join(root, "elsewhere"), path);
  assert.is(readEntry(directory, KEY), null);
  for (const what of ["file", "folder"]) {
    const { directory: own, path: entry } = filled(`open-${what}`);
    chmodSync(what === "file" ? entry : dirname(entry), 0o777);
    assert.is(readEntry(own, KEY), null, what);
  }
  chmodSync(directory, 0o777);
  assert.not(writeEntry(directory, KEY, { bundle: BUNDLE, dependencies: NOTHING }));
});

s("a directory that cannot be made is no error", () => {
  writeFileSync(join(root, "plain"), "");
  const value = { bundle: BUNDLE, dependencies: NOTHING };
  assert.not(writeEntry(join(root, "plain", "cache"), KEY, value));
});

s("a changed program makes an entry outdated", () => {
  const directory = join(root, "programs");
  const program = join(root, "prog");
  writeFileSync(program, "#!/nothing\n", { mode: 0o755 });
  const found = [process.execPath];
  const search: FileSearch = { kind: "executable", name: process.execPath, searchPath: [], found };
  const dependencies = findDependencies([search], program);
  if (dependencies === null) return assert.unreachable("nothing found");
  const keep = (): void => {
    writeEntry(directory, KEY, { bundle: BUNDLE, dependencies });
  };
  keep();
  assert.ok(readEntry(directory, KEY));
  writeFileSync(program, "#!/nothing else\n");
  assert.is(readEntry(directory, KEY), null);
});

s("a name that now means another file makes an entry outdated", () => {
  const directory = join(root, "names");
  const search: FileSearch = { kind: "executable", name: "sh", searchPath: [], found: ["/other"] };
  const dependencies = { searches: [search], files: [] };
  writeEntry(directory, KEY, { bundle: BUNDLE, dependencies });
  assert.is(readEntry(directory, KEY), null);
});

s("what looked at a running process or a header is not kept", () => {
  const search: FileSearch = { kind: "process", name: "1", searchPath: [], found: ["/sbin/init"] };
  assert.is(findDependencies([search], null), null);
  const header: FileSearch = { kind: "header", name: "<stdio.h>", searchPath: [], found: [] };
  assert.is(findDependencies([header], null), null);
});

s("removes what was not used for longest", () => {
  const { directory } = filled("full");
  writeFileSync(join(directory, "cache_mb_limit"), "1\n");
  writeFileSync(join(directory, "cache_clean_interval_s"), "0\n");
  const keys = ["11", "22", "33"].map((byte) => byte.repeat(32));
  for (const [index, key] of keys.entries()) {
    writeEntry(directory, key, { bundle: new Uint8Array(400_000), dependencies: NOTHING });
    const time = new Date(Date.now() + 1000 * (index - 10));
    utimesSync(entryPath(directory, key), time, time);
  }
  writeEntry(directory, "44".repeat(32), { bundle: BUNDLE, dependencies: NOTHING });
  assert.is(readEntry(directory, keys[0] ?? ""), null);
  assert.ok(readEntry(directory, keys[1] ?? ""));
  assert.ok(readEntry(directory, keys[2] ?? ""));
});

s("empties the cache", () => {
  const { directory } = filled("emptied");
  emptyCache(directory);
  assert.is(readEntry(directory, KEY), null);
});

s("the key tells apart what compiles differently", () => {
  const key = (...argv: readonly string[]): string =>
    cacheKey(readCompileInput(parseOptions(argv)));
  const distinct = [
    key("-e", "probe begin {}"),
    key("-e", "probe end {}"),
    key("-g", "-e", "probe begin {}"),
    key("-u", "-e", "probe begin {}"),
    key("-DMAXACTION=5", "-e", "probe begin {}"),
    key("-Ga=5", "-e", "probe begin {}"),
    key("-e", "probe begin {}", "x"),
    key("-e", "probe begin {}", "-E", "probe end {}"),
    key("-I", root, "-e", "probe begin {}"),
    key("--compatible=4.0", "-e", "probe begin {}"),
    key("-c", process.execPath, "-e", "probe begin {}"),
  ];
  assert.is(new Set(distinct).size, distinct.length);
  assert.is(key("-e", "probe begin {}"), distinct[0]);
  assert.is(key("-v", "-o", "x", "-e", "probe begin {}"), distinct[0]);
  const before = key("-I", root, "-e", "x");
  writeFileSync(join(root, "new.stp"), "function f() {}");
  assert.is.not(key("-I", root, "-e", "x"), before);
});

s.run();
