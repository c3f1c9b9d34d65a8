/** Debian's unmodified ruby 3.1: its SDT marks give an exact call tree. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasProgram, wastap } from "../support/tools.js";

const RUBY = "/usr/bin/ruby3.1";
const LIBRARY = "/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1";
const available = hasProgram(RUBY) && hasProgram(LIBRARY);
const s = suite("run/ruby");
const test = available ? s : s.skip;
if (!available) process.stdout.write("skipped: no ruby 3.1\n");
const here = `process("${RUBY}").library("libruby-3.1.so.3.1")`;

/** Ruby reaches the marks of its own methods only while a TracePoint is on. */
const PROGRAM = `
trace = TracePoint.new(:call, :return, :c_call, :c_return) {}
def leaf(n)
  n.succ
end
class Größe
  def middle(n)
    leaf(n) * leaf(n)
  end
end
thing = Größe.new
trace.enable
total = 0
3.times do |i|
  total += thing.middle(i)
end
trace.disable
puts total
`;

/** What PROGRAM does while the TracePoint is on; a method is entered at its first statement. */
function expectedTree(file: string): string[] {
  const within = (name: string, lines: readonly [number, number], inner: string[]): string[] => {
    const [first, last] = lines;
    return [`=> ${name} ${file}:${first}`, ...inner, `<= ${name} ${file}:${last}`];
  };
  const leaf = within("Object#leaf", [4, 5], within("Integer#succ", [4, 4], []));
  const product = within("Integer#*", [8, 8], []);
  const middle = within("Größe#middle", [8, 9], [...leaf, ...leaf, ...product]);
  const turn = [...middle, ...within("Integer#+", [15, 15], [])];
  return within("Integer#times", [14, 14], [...turn, ...turn, ...turn]);
}

test("calls and returns of methods and of C functions, in a file with a non-ASCII name", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-ruby-"));
  try {
    const file = join(directory, "größe.rb");
    writeFileSync(file, PROGRAM);
    const line = "%s#%s %s:%d\\n";
    const values = "user_string($arg1), user_string($arg2), user_string($arg3), $arg4";
    const script = `
      probe ${here}.mark("*method__entry") { printf("=> ${line}", ${values}) }
      probe ${here}.mark("*method__return") { printf("<= ${line}", ${values}) }`;
    const output = join(directory, "marks");
    const command = `${RUBY} --disable-gems ${file}`;
    const result = wastap(["-o", output, "-e", script, "-c", command]);
    assert.is(result.stderr, "");
    assert.is(result.stdout, "14\n", "the program's own output");
    const marks = readFileSync(output, "utf8").split("\n");
    const first = marks.findIndex((mark) => mark.startsWith("=> Integer#times"));
    const last = marks.findIndex((mark) => mark.startsWith("<= Integer#times"));
    assert.equal(marks.slice(first, last + 1), expectedTree(file));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

s.run();
