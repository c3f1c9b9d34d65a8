/** Variables of programs of both compilers at all levels of optimization: as the program prints them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileInto, emptyDirectory } from "../support/dwarf-programs.js";
import { buildProgram, cannotTrace, type Finished, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/variables");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** What `script` prints while `program` runs, and what that prints. */
function traced(
  program: string,
  script: string,
  ...options: readonly string[]
): Finished & { readonly own: string } {
  const output = join(mkdtempSync(join(tmpdir(), "wastap-variables-")), "output");
  const args = ["-w", ...options, "-o", output, "-e", script, "-c", program, program];
  const finished = wastap(args);
  assert.is(finished.stderr, "");
  assert.is(finished.status, 0);
  return { ...finished, own: readFileSync(output, "utf8") };
}

const VALUES = `
  probe process(@1).function("numbers").call {
    printf("%d %d %d %d %d %d %x %x\\n", $c, $uc, $s, $us, $i, $l, $f, $d)
  }
  probe process(@1).function("more_numbers").call {
    printf("%d %d %d %d\\n", ($u << 32) >> 32, $ul, $color, $b)
  }
  probe process(@1).function("members").call {
    i = $index;
    # Nothing is read: only the address is asked for, and nobody needs that.
    &@cast(0, "struct node")->grid[i++]
    i--
    printf("%d %d %d %d %d ", $n->values[i], $n->small, $n->bits, $n->rest, $n->color)
    node = $n
    printf("%d %d %x %s %d ", node->where->x, $n->where->y, $n->whole, user_string(&$n->text[0]), $n->grid[1][i])
    printf("%s ", user_string(node->next->next->name))
    printf("%d %d %d\\n", $file_static, $global_numbers[i + 1], $thread_number)
  }
  probe process(@1).function("halve").call { printf("%x\\n", $number) }
  function last() { return @var("file_static@values.c", @1) }
  probe process(@1).function("change").call {
    printf("%d %d %d %d %d\\n", $number, $n->bits, @cast($n, "struct node")->rest, $n->where->y, last())
  }`;

const SPLIT = [4, 5].map((version) => ["-O2", `-gdwarf-${version}`, "-gsplit-dwarf"]);

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  if (!isThere) process.stdout.write(`skipped: no ${compiler}\n`);
  for (const level of [["-O0"], ["-O2"], ["-O3", "-flto"], ...SPLIT]) {
    (isThere ? s : s.skip)(`${compiler} ${level.join(" ")}`, () => {
      const directory = emptyDirectory(`values-${compiler}${level.join("")}`);
      const compilation = { source: "values.c", compiler, flags: ["-g", ...level] };
      const program = compileInto(directory, "values", compilation);
      const { stdout, own } = traced(program, VALUES);
      assert.is(own, stdout);
    });
  }
}

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  (isThere ? s : s.skip)(`${compiler}: what only callers know`, () => {
    const program = buildProgram("entries", ["-g"], compiler);
    const script = `probe process(@1).statement("work@*:18") {
      try { println($a, " ", $b) } catch (message) { println(message) }
      println($$parms, " : ", $a$, " ", $b$)
    }`;
    const lines = traced(program, script).own.trim().split("\n");
    const values = lines.filter((_, index) => index % 2 === 0);
    const unknown =
      "not accessible at this address: its value at the entry is not known to this caller";
    // Called with a computed value, constants, in a tail call, through a pointer.
    assert.is(values[1], "42 43");
    for (const [index, right] of ["12 33", "42 43", "5 1", "6 2"].entries()) {
      assert.ok([right, unknown].includes(values[index] ?? ""), lines.join("\n"));
    }
    assert.match(lines[3] ?? "", /a=0x2a .*b=0x2b : 42 43$/);
    assert.match(lines[7] ?? "", /a=\? .*b=\? : \? \?$/);
  });
}

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  (isThere ? s : s.skip)(`${compiler}: what callers keep in registers`, () => {
    const program = buildProgram("preserved", ["-g", "-O2"], compiler);
    const script = `probe process(@1).statement("lose@*:9") { println($$parms) }`;
    const known = "b=0x6 c=0x7 d=0x8 e=0x9 f=0xa";
    // gcc does not keep what the caller has in memory, too.
    assert.match(traced(program, script).own, new RegExp(`^a=(\\?|0x5) ${known}\n$`));
  });
}

for (const level of ["-O1", "-O2", "-O3"]) {
  test(`what pointers led to that are gone themselves (${level})`, () => {
    const program = buildProgram("pointed", ["-g", level]);
    const script = `probe process(@1).statement("use@*:14") {
      println($pair->first, " ", $pair->second[1], " ", $number[0], " ", $text[1], " ", $pair$$)
      println(@defined($pair), @defined($pair->first), @defined($pair[-1]->first), " ", $$parms)
    }`;
    const expected = "5 7 15 101 {.first=5, .second=[6, ...]}\n010 text=? number=? pair=?\n";
    assert.is(traced(program, script).own, expected);
  });
}

for (const level of ["-O0", "-O1", "-O2"]) {
  test(`parameters as they were handed over (${level})`, () => {
    const program = buildProgram("replaced", ["-g", level]);
    const script = `
      probe process(@1).function("outside"), process(@1).function("inside") { println($n) }
      probe process(@1).function("outside").return { println(@entry($n), " ", $return > 949) }`;
    assert.is(traced(program, script).own, "37\n37 1\n36\n");
  });
}

for (const level of [["-O0"], ["-O2"], ["-O3", "-flto"]]) {
  test(`return probes see parameters as they were, and globals as they are (${level.join(" ")})`, () => {
    const program = buildProgram("values", ["-g", ...level]);
    const script = `
    probe process(@1).function("numbers").return { println($return, " ", $i, " ", $$return, " ", @entry($s)) }
    probe process(@1).function("halve").return { printf("%x\\n", $return) }
    probe process(@1).function("members").return {
      println($return$, " ", @var("sink@[v]al*.c"), " ", @entry($n)->where->y, " ", $n->bits)
    }`;
    const { own } = traced(program, script);
    assert.is(
      own,
      "-69999 -70000 return=0xfffffffffffeee91 -5\n{.x=4, .y=-8} 1 -4 -7\n3ffc000000000000\n",
    );
  });
}

test("pretty-printed variables", () => {
  const program = buildProgram("values", ["-g", "-O0"]);
  const script = `
    probe process(@1).function("members") {
      println($n$)
      println($n$$)
      println($n->text$, $by_value$, $index$, $global_numbers$, " ", $$parms$)
      println(@cast(8, "struct node")$, " ", $n->where$)
    }`;
  const { own } = traced(program, script);
  const members = (deep: boolean): string =>
    [
      "{.next=P",
      '.name="node"',
      deep ? ".values=[1, ...]" : ".values=[...]",
      ".small=5, .bits=-7, .rest=12345, .color=-3",
      deep ? ".where={.x=3, .y=-4}" : ".where={...}",
      deep ? "<union>={.whole=4886718345, .real=?}" : "<union>={...}",
      deep ? '.text="hello"' : ".text=[...]",
      ".single=?",
      deep ? ".grid=[0, ...]}" : ".grid=[...]}",
    ].join(", ");
  const shown = own.replaceAll(/0x[0-9a-f]+/g, "P").split("\n");
  assert.is(shown[0], members(false));
  assert.is(shown[1], members(true));
  assert.is(
    shown[2],
    `"hello"{.x=7, .y=-8}1[10, ...] n=${members(false)} by_value={.x=7, .y=-8} index=1`,
  );
  assert.is(shown[3], "ERROR {.x=3, .y=-4}");
});

test("a global that points into the program is shown in hexadecimal", () => {
  const program = buildProgram("values", ["-g", "-O0"]);
  const script = `global p probe process(@1).function("members") { p = $n }`;
  assert.match(traced(program, script).own, /^p=0x[0-9a-f]+\n$/);
});

const HANDED = `
  probe process(@1).function("next").call { println($given$$) }
  probe process(@1).function("next").return { println($return$$) }
  probe process(@1).statement("constant@handed.c+3") { println($$vars$$) }
  probe process(@1).function("unused").call { println($$vars) }`;

for (const compiler of ["g++", "clang++"]) {
  const isThere = missing === null && hasProgram(compiler);
  (isThere ? s : s.skip)(
    `${compiler}: parameters at the first instruction, before they are stored`,
    () => {
      for (const flags of [["-O0"], ["-O0", "-fomit-frame-pointer"]]) {
        const program = buildProgram("passed", ["-g", ...flags], compiler, "cc");
        const names = ["numbers", "mixed", "kept", "objects", "counter::add"];
        const points = names.flatMap((name) => [`statement("${name}")`, `function("${name}")`]);
        const script = points.map(
          (point) => `probe process("${program}").${point} { println(ppfunc(), " ", $$parms$$) }`,
        );
        const { stdout, stderr } = wastap(["-e", script.join("\n"), "-c", `${program} >/dev/null`]);
        assert.is(stderr, "");
        const lines = stdout.trim().split("\n");
        assert.is(lines.length, 2 * 3 * names.length);
        const [first, behind] = [0, 1].map((side) => lines.filter((_, i) => i % 2 === side));
        assert.equal(first, behind);
        assert.is(
          lines[0],
          `numbers a='a' b=65000 c=0 d=1099511627776 e=0 f="text" g=100 h=4000000000`,
        );
      }
    },
  );
}

test("texts in registers and constants, numbers that only callers know", () => {
  const results = ['{.number=2, .text="a\\nlabel"}', '{.number=3, .text="a\\nmabel"}'];
  const constant = 'n=1 text="con\\"stant"';
  const printed = (...flags: string[]): readonly string[] => {
    const program = buildProgram("handed", ["-g", ...flags]);
    return traced(program, HANDED).own.trim().split("\n");
  };
  const [, first, , second, ...behind] = printed("-O0");
  const ratios = ["ratio=0x4004000000000000 more=0xd", "ratio=0xbfc0000000000000 more=0x16"];
  assert.equal([first, second], results);
  assert.equal(behind, [constant, `n=0x2 ${ratios[0]}`, `n=0x3 ${ratios[1]}`]);
  const [, third, , fourth, ...others] = printed("-O2");
  const lost = ["more=0xd ratio=0x4004000000000000", "more=0x16 ratio=0xbfc0000000000000"];
  assert.equal([third, fourth], results);
  assert.equal(others, [constant, `n=0x2 ${lost[0]}`, `n=0x3 ${lost[1]}`]);
});

test("functions with and without debug information", () => {
  const program = buildProgram("values", ["-g"]);
  const script = `probe process(@1).function("*").call { printf("%s(%s)\\n", ppfunc(), $$parms) }`;
  const { own } = traced(program, script);
  assert.match(own, /^_start\(\)\n/);
  assert.match(own, /^numbers\(c=\S+ uc=/m);
});

test("a local of inlined code is listed once", () => {
  const program = buildProgram("inlined", ["-g", "-O2"]);
  const script = `probe process("${program}").function("scale") { println($$vars) println($$locals) }`;
  const { stdout } = wastap(["-e", script, "-c", program]);
  assert.match(stdout, /^w=\S+ q=0x5\nw=\S+$/m);
});

test("variables of inner blocks come first", () => {
  const program = buildProgram("points", ["-g", "-O0"]);
  const point = `process("${program}").statement("main@points.c:43")`;
  const listed = wastap(["-L", point]).stdout;
  assert.match(listed, /\) \$i:int \$argc:int \$argv:char\*\* \$rounds:int \$sum:long int$/m);
  const script = `probe ${point} { println($$vars) println($$locals) exit() }`;
  const { stdout } = wastap(["-e", script, "-c", program]);
  assert.match(stdout, /^i=\S+ argc=0x1 argv=\S+ rounds=\S+ sum=\S+\ni=\S+ rounds=\S+ sum=\S+$/m);
});

test("a function's variables at its entry are not those of a block that begins there", () => {
  const program = buildProgram("shadowed", ["-g", "-O0"]);
  const point = `process("${program}").function("add")`;
  assert.match(wastap(["-L", point]).stdout, /\) \$n:int$/m);
  const script = `probe ${point} { println($n, " ", $$vars) } probe ${point}.return { println(@entry($n)) }
    probe process("${program}").statement("add@shadowed.c:6") { println($n, " ", $$vars) exit() }`;
  const { stdout } = wastap(["-e", script, "-c", program]);
  assert.match(stdout, /^42 n=0x2a\n5 n=0x5 n=0x2a\n/);
});

test("anonymous structures and texts of several dimensions", () => {
  const program = buildProgram("inlined", ["-g", "-O2"]);
  const script = `probe process("${program}").function("show") { println($named$$) println($named$) println(pn() == pp()) }
    probe named = process("${program}").function("show") {} probe named { println(pn()) }`;
  const { stdout } = wastap(["-e", script, "-c", program]);
  assert.match(
    stdout,
    /^{.words="one", <class>={.inner=7}}\n{.words=\[...\], <class>={...}}\n1\nnamed$/m,
  );
});

test("pointers to pointers are numbers where numbers are at their end", () => {
  const program = buildProgram("pointers", ["-g", "-O0"]);
  const script = `probe process("${program}").function("look") {
    println($numbers$ == sprint($numbers) && $flags$ == sprint($flags))
    println($words$, $pairs$, $unknown$, $unknowns$, $none$)
  }`;
  const { stdout } = wastap(["-e", script, "-c", program]);
  assert.is(stdout, '1\n"word"{.x=3, .y=4}{...}{...}{}\n');
});

test("members of a structure that is only declared are not known", () => {
  const program = buildProgram("pointers", ["-g", "-O0"]);
  const script = `probe process("${program}").function("look") { println($unknown->x) }`;
  const { stderr } = wastap(["-p2", "-e", script]);
  assert.match(stderr, /^semantic error: unresolved struct unknown: operator '->' at /m);
});

test("a global that is not there is named with its file, where there was one", () => {
  const program = buildProgram("pointers", ["-g", "-O0"]);
  const errorOf = (point: string, variable: string): string | undefined =>
    /error: (.*): operator/.exec(
      wastap(["-p2", "-e", `probe ${point} { println(${variable}) }`]).stderr,
    )?.[1];
  const own = `process("${program}").function("look")`;
  const missing = `unable to find global 'nope' in ${program}`;
  assert.is(errorOf(own, '@var("nope")'), missing);
  assert.is(errorOf(own, '@var("nope@other.c")'), `${missing}, in other.c`);
  assert.is(
    errorOf("begin", `@var("nope@other.c", "/nowhere:${program}")`),
    `${missing}, in other.c`,
  );
  assert.is(
    errorOf("begin", '@var("nope", "/nowhere")'),
    "unable to find global 'nope' in /nowhere",
  );
  assert.is(errorOf("begin", '@var("nope", "<stdio.h>")'), "unresolved @var() expression");
});

test("types of headers are those of the program, else a compiler's", () => {
  const program = buildProgram("values", ["-g", "-O0"]);
  const cast = (type: string): string =>
    `probe process("${program}").function("members") {
      println(@cast($n, "${type}", "<nodes.h>")->small)
      exit()
    }`;
  assert.is(wastap(["-c", program, "-e", cast("struct node")]).stdout.includes("\n5\n"), true);
  assert.match(
    wastap(["-p2", "-e", cast("struct nowhere")]).stderr,
    /'struct nowhere' not found in '<nodes.h>' \(a C compiler and the header would tell/,
  );
  const compiled = `probe begin {
    println(&@cast(0, "struct linger", "<nowhere.h>:<sys/socket.h>")[1], " ",
      &@cast(0, "linger", "<sys/socket.h>")->l_linger)
    exit()
  }`;
  assert.is(wastap(["-e", compiled]).stdout, "8 4\n");
});

test("types of headers are those of the last change, and no file of them is left", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-headers-"));
  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  const env = { C_INCLUDE_PATH: directory, TMPDIR: temporary };
  const script = `probe begin { println(&@cast(0, "struct own", "<own.h>")[1]) exit() }`;
  try {
    for (const size of [3, 5]) {
      writeFileSync(join(directory, "own.h"), `struct own { char bytes[${size}]; };\n`);
      assert.is(wastap(["-e", script], { env }).stdout, `${size}\n`);
    }
    assert.match(
      wastap(["-p2", "-e", script.replace("own.h", "other.h")], { env }).stderr,
      /header/,
    );
    assert.equal(readdirSync(temporary), []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("values of enumerations have names", () => {
  const program = buildProgram("values", ["-g", "-O0"]);
  const script = `probe process(@1).function("more_numbers").call {
    println(@enumname($color), " ", @enumname($color + 0, "color"), " ", @enumname(77, "enum color"))
    println(@enumname(-3, "color", @1), " ", @enumname($color) == "GREEN")
  }`;
  assert.is(traced(program, script).own, "GREEN GREEN 77\nBLUE 1\n");
  const { stderr } = wastap([
    "-p2",
    "-e",
    `probe process("${program}").function("more_numbers") { println(@enumname($u)) }`,
  ]);
  assert.match(stderr, /unknown enumeration of '@enumname'/);
});

test("what cannot be read is an error that can be caught", () => {
  const program = buildProgram("values", ["-g", "-O2"]);
  const script = `probe process(@1).function("change") {
    try { println(@cast(8, "struct node")->rest) } catch (message) { println(message) }
    try { println($n[1000000000]->rest) } catch (message) { println(substr(message, 0, 33)) }
  }`;
  const { own } = traced(program, script);
  assert.is(own, "read fault [man error::fault] at 0x20\nread fault [man error::fault] at \n");
});

test("variables are written in memory, bit fields and registers", () => {
  for (const level of ["-O0", "-O2"]) {
    const program = buildProgram("values", ["-g", level]);
    const script = `
      probe process(@1).function("change") {
        $number = 77
        $n->bits = 4
        $n->rest += 1
        $n->where->y++
        @var("file_static") = 6
      }
      probe process(@1).function("numbers").return { $return = -4 }`;
    const { stdout } = traced(program, script, "-g");
    assert.match(stdout, /\n1 -1 5 1\n/, level);
    assert.match(stdout, /\n77 4 12346 -3 6\n$/, level);
  }
});

const CPP_VALUES = `
  probe process(@1).function("Derived::method").call {
    printf("%d %d %d %d %d ", $this->base, $this->other, $this->own, $this->inner->depth,
      @cast($this->reference, "int"))
    printf("%d %d %d %d %d %d\\n", $n, $from->own, $from->other, $flag, @var("place::counter"),
      @cast(0, "Other")->total)
  }
  probe process(@1).function("shared").call {
    printf("%d %d %d\\n", $pointer->base, $pointer->own, $pointer->total)
  }`;

for (const compiler of ["g++", "clang++"]) {
  const isThere = missing === null && hasProgram(compiler);
  if (!isThere) process.stdout.write(`skipped: no ${compiler}\n`);
  for (const level of ["-O0", "-O2"]) {
    (isThere ? s : s.skip)(`${compiler} ${level}`, () => {
      const program = buildProgram("values", ["-g", level], compiler, "cc");
      const { stdout, own } = traced(program, CPP_VALUES);
      assert.is(own, stdout);
    });
  }
}

test("names of types that are hard to tell; virtual base classes are shown once", () => {
  const program = buildProgram("declared", ["-g", "-O0"], "g++", "cc");
  const { stdout } = wastap(["-L", `process("${program}").function("work")`]);
  const types = [
    "$reference:int (*&) (int)",
    "$pointers:int (***) (int)",
    "$array:int (* const[]* const) (int)",
    "$numbers:int[]*",
    "$member:int bottom::*",
    "$method:int (bottom::*) (struct bottom const*)",
    "$object:struct bottom&",
  ];
  assert.is(stdout.slice(stdout.indexOf(" $")), ` ${types.join(" ")}\n`);
  const script = `probe process(@1).function("work") { println($object$) }`;
  assert.is(traced(program, script).own, "{.b=4, .l=2, .r=3, .t=1}\n");
});

test("listings have the variables that can be read, with their types", () => {
  const program = buildProgram("values", ["-g", "-O2"]);
  const { stdout } = wastap(["-L", `process("${program}").function("members").call`]);
  assert.match(stdout, / \$n:struct node\* \$by_value:struct point \$index:int\n$/);
});

s.run();
