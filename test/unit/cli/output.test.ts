/** Output files: names with times, rotation. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openOutput } from "../../../cli/output.js";
import { formatTime } from "../../../cli/strftime.js";

const s = suite("cli/output");
const directory = mkdtempSync(join(tmpdir(), "wastap-"));
s.after(() => rmSync(directory, { recursive: true }));

/** Expected texts: strftime(3) of glibc, C locale. */
s("formats times as strftime does", () => {
  const date = new Date(2026, 2, 7, 4, 5, 6);
  const text = "%Y-%m-%d %H:%M:%S|%a %A %b %B|%j %U %W %u %w|%e %I %p %y %C|%F %T %D %R|%%|%Q";
  const expected =
    "2026-03-07 04:05:06|Sat Saturday Mar March|066 09 09 6 6| 7 04 AM 26 20|" +
    "2026-03-07 04:05:06 03/07/26 04:05|%|%Q";
  assert.is(formatTime(text, date), expected);
});

s("replaces formats in the name of the file", () => {
  const output = openOutput(join(directory, "out-%%-%Y"));
  output.write(Buffer.from("x"));
  output.close();
  assert.ok(existsSync(join(directory, `out-%-${new Date().getFullYear()}`)));
});

s("begins new files and keeps the last ones", () => {
  const output = openOutput(join(directory, "log"), { megabytes: 1, files: 2 });
  for (const letter of "abcdef") output.write(Buffer.alloc(600_000, letter));
  output.close();
  const names = readdirSync(directory).filter((name) => name.startsWith("log."));
  assert.equal(names.sort(), ["log.4", "log.5"]);
  assert.is(readFileSync(join(directory, "log.5"), "latin1")[0], "f");
});

s("keeps all files without a number", () => {
  const output = openOutput(join(directory, "all"), { megabytes: 1, files: 0 });
  for (const letter of "abc") output.write(Buffer.alloc(600_000, letter));
  output.close();
  const names = readdirSync(directory).filter((name) => name.startsWith("all."));
  assert.equal(names.sort(), ["all.0", "all.1", "all.2"]);
});

s.run();
