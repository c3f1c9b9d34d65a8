/**
 * Statistics of a live program: durations between entry and return, and values that are known, whose
 * extractors and charts are compared byte for byte with what SystemTap's definition gives
 * (language.md §9) and with charts that were published.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/stats");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** What `script` prints while `command` runs; the program's own lines are left out. */
function printed(script: string, command: string, args: readonly string[] = []): string {
  const result = wastap([...args, "-e", script, "-c", command]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return result.stdout.replace(/^(done|sum=.*|threads=.*)\n/gm, "");
}

/** What a begin probe with `body` prints. */
function printedBegin(globals: string, body: string): string {
  const script = `global ${globals} probe begin { ${body} exit() }`;
  const result = wastap(["-g", "--suppress-time-limits", "-e", script]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return result.stdout;
}

/** Chart of rows `label bars count`, `~` for an elision; a label is given with its padding. */
function chart(...rows: readonly (readonly [label: string, bars: number, count: string] | "~")[]) {
  const columns = Math.max(5, ...rows.map((row) => (row === "~" ? 0 : row[0].length)));
  const lines = rows.map((row) => {
    if (row === "~") return `${" ".repeat(columns)} ~`;
    const [label, bars, count] = row;
    return `${label} |${"@".repeat(bars)}${" ".repeat(51 - bars)}${count}`;
  });
  const header = `${" ".repeat(columns - 5)}value |${"-".repeat(50)} count`;
  return `${[header, ...lines].join("\n")}\n\n`;
}

const EXTRACTORS = "@count(x), @min(x), @avg(x), @max(x), @sum(x), @variance(x)";

for (const clock of ["gettimeofday_us", "gettimeofday_ns"]) {
  test(`durations by ${clock}`, () => {
    const program = buildProgram("lengths");
    const script = `global start, x
      probe process("${program}").function("f") { start[tid()] = ${clock}() }
      probe process("${program}").function("f").return { x <<< ${clock}() - start[tid()] }
      probe end { printf("%d %d %d %d %d %d\\n", ${EXTRACTORS}) print(@hist_log(x)) }`;
    const text = printed(script, `${program} 5000`);
    const [first = "", ...rows] = text.split("\n");
    const [count = 0, min = 0, avg = 0, max = 0, sum = 0, variance = -1] = first
      .split(" ")
      .map(Number);
    assert.is(count, 5001);
    assert.ok(0 <= min && min <= avg && avg <= max, first);
    assert.ok(sum >= min * (count - 1) + max && sum <= max * (count - 1) + min, first);
    assert.is(avg, Math.trunc(sum / count));
    assert.ok(variance >= 0, first);
    const counts = rows.flatMap((row) =>
      /\|[@ ]+\d+$/.test(row) ? [Number(row.split(" ").at(-1))] : [],
    );
    assert.is(
      counts.reduce((a, b) => a + b, 0),
      5001,
    );
  });
}

/** Script over the first arguments of f, kept from the entry and added at the return. */
function lengthsScript(program: string, add: string, end: string): string {
  return `global start, x, y, z
    probe process("${program}").function("f") { start[tid()] = ulong_arg(1) }
    probe process("${program}").function("f").return { n = start[tid()] delete start[tid()] ${add} }
    probe end { ${end} }`;
}

test("arguments 0 to 24 and, through a tail call, 24 once more", () => {
  const program = buildProgram("lengths");
  const end = `printf("%d %d %d %d %d %d %d\\n", ${EXTRACTORS}, @variance(y, 10))
    print(@hist_linear(x, 0, 20, 2)) print(@hist_log(z))`;
  const text = printed(lengthsScript(program, "x <<< n y <<< n z <<< n", end), `${program} 25`);
  // @variance: 368 and 57 by Welford's method in integers; exactly it is 57.54.
  const expected = "26 0 12 24 324 368 57\n";
  const linear = chart(
    ["    0", 2, "2"],
    ["    2", 2, "2"],
    ["    4", 2, "2"],
    ["    6", 2, "2"],
    ["    8", 2, "2"],
    ["   10", 2, "2"],
    ["   12", 2, "2"],
    ["   14", 2, "2"],
    ["   16", 2, "2"],
    ["   18", 2, "2"],
    ["   20", 2, "2"],
    ["  >20", 4, "4"],
  );
  const log = chart(
    ["    0", 1, " 1"],
    ["    1", 1, " 1"],
    ["    2", 2, " 2"],
    ["    4", 4, " 4"],
    ["    8", 8, " 8"],
    ["   16", 10, "10"],
    ["   32", 0, " 0"],
    ["   64", 0, " 0"],
  );
  assert.is(text, expected + linear + log);
});

test("underflow, elided rows and margins", () => {
  const program = buildProgram("lengths");
  const add = "x <<< n - 5 y <<< n < 3 ? n * 4 - 3 : 88 z <<< n % 2 ? 3 : 3000 * n";
  const end = `print(@hist_linear(x, 0, 20, 2)) print(@hist_linear(y, 0, 200, 2)) print(@hist_log(z))`;
  const text = printed(lengthsScript(program, add, end), `${program} 10`);
  const below = chart(
    ["   <0", 5, "5"],
    ["    0", 2, "2"],
    ["    2", 2, "2"],
    ["    4", 2, "2"],
    ["    6", 0, "0"],
    ["    8", 0, "0"],
  );
  const apart = chart(
    ["   <0", 1, "1"],
    ["    0", 1, "1"],
    ["    2", 0, "0"],
    ["    4", 1, "1"],
    ["    6", 0, "0"],
    ["    8", 0, "0"],
    "~",
    ["   84", 0, "0"],
    ["   86", 0, "0"],
    ["   88", 8, "8"],
    ["   90", 0, "0"],
    ["   92", 0, "0"],
  );
  const powers = chart(
    ["    0", 1, "1"],
    ["    1", 0, "0"],
    ["    2", 6, "6"],
    ["    4", 0, "0"],
    ["    8", 0, "0"],
    "~",
    [" 1024", 0, "0"],
    [" 2048", 0, "0"],
    [" 4096", 1, "1"],
    [" 8192", 1, "1"],
    ["16384", 2, "2"],
    ["32768", 0, "0"],
    ["65536", 0, "0"],
  );
  assert.is(text, below + apart + powers);
});

test("the published charts of SystemTap's language reference", () => {
  const add = (value: number, times: number): string =>
    `for (i = 0; i < ${times}; i++) x <<< ${value} `;
  const linear = printedBegin(
    "x",
    `${add(100, 1650)} ${add(300, 8)} x <<< 1500
    print(@hist_linear(x, 0, 10240, 200))`,
  );
  assert.is(
    linear,
    chart(
      ["    0", 50, "1650"],
      ["  200", 0, "   8"],
      ["  400", 0, "   0"],
      ["  600", 0, "   0"],
      "~",
      [" 1000", 0, "   0"],
      [" 1200", 0, "   0"],
      [" 1400", 0, "   1"],
      [" 1600", 0, "   0"],
      [" 1800", 0, "   0"],
    ),
  );
  const small = printedBegin(
    "x",
    "for (i = 1; i <= 5; i++) x <<< i print(@hist_linear(x, 0, 10, 1))",
  );
  assert.is(
    small,
    chart(
      ["    0", 0, "0"],
      ...[1, 2, 3, 4, 5].map((value) => [`    ${value}`, 1, "1"] as const),
      ["    6", 0, "0"],
      ["    7", 0, "0"],
    ),
  );
});

test("published charts with scaled bars: packet sizes (IBM developerWorks), pcre times (ngx-pcre-stats)", () => {
  const sizes = [
    [32, 1601],
    [64, 52],
    [128, 46],
    [256, 164],
    [512, 140],
    [1024, 2033],
  ];
  const times = [
    [4, 36200],
    [8, 14707],
    [16, 105],
    [32, 2892],
    [64, 114],
  ];
  const add =
    (name: string) =>
    ([value, count]: number[]): string =>
      `for (i = 0; i < ${count}; i++) ${name} <<< ${value}\n`;
  const body = `${sizes.map(add("x")).join("")} ${times.map(add("y")).join("")}
    print(@hist_log(x)) print(@hist_log(y))`;
  const packets = chart(
    ["    8", 0, "   0"],
    ["   16", 0, "   0"],
    ["   32", 39, "1601"],
    ["   64", 1, "  52"],
    ["  128", 1, "  46"],
    ["  256", 4, " 164"],
    ["  512", 3, " 140"],
    [" 1024", 49, "2033"],
    [" 2048", 0, "   0"],
    [" 4096", 0, "   0"],
  );
  const pcre = chart(
    ["    1", 0, "    0"],
    ["    2", 0, "    0"],
    ["    4", 50, "36200"],
    ["    8", 20, "14707"],
    ["   16", 0, "  105"],
    ["   32", 3, " 2892"],
    ["   64", 0, "  114"],
    ["  128", 0, "    0"],
    ["  256", 0, "    0"],
  );
  assert.is(printedBegin("x, y", body), packets + pcre);
});

test("arrays of statistics, sorted by each extractor", () => {
  const program = buildProgram("lengths");
  const orders = ["@sum-", "@sum+", "@count-", "@max+", "@min-", "@avg+"];
  const loops = orders.map(
    (order) =>
      `printf("${order}") foreach (k in x ${order}) printf(" %d:%d/%d", k, @sum(x[k]), @count(x[k])) println()`,
  );
  const script = lengthsScript(program, "x[n < 20 ? n % 3 : 100 - n] <<< n", loops.join("\n"));
  // Ties keep the order that the sort before left.
  // 0: 0 3 … 18, 1: 1 4 … 19, 2: 2 5 … 17, 80: 20, 79: 21, 78: 22, 77: 23, 76: 24 24
  assert.is(
    printed(script, `${program} 25`),
    `@sum- 1:70/7 0:63/7 2:57/6 76:48/2 77:23/1 78:22/1 79:21/1 80:20/1
@sum+ 80:20/1 79:21/1 78:22/1 77:23/1 76:48/2 2:57/6 0:63/7 1:70/7
@count- 0:63/7 1:70/7 2:57/6 76:48/2 80:20/1 79:21/1 78:22/1 77:23/1
@max+ 2:57/6 0:63/7 1:70/7 80:20/1 79:21/1 78:22/1 77:23/1 76:48/2
@min- 76:48/2 77:23/1 78:22/1 79:21/1 80:20/1 2:57/6 1:70/7 0:63/7
@avg+ 2:57/6 0:63/7 1:70/7 80:20/1 79:21/1 78:22/1 77:23/1 76:48/2
`,
  );
});

test("recursion: @entry gives each level its own value, a tail jump is an exit", () => {
  const program = buildProgram("nested");
  const script = `global depth, levels, values, outer
    probe process("${program}").function("down") { depth[tid()]++ }
    probe process("${program}").function("down").return {
      n = @entry(long_arg(1))
      levels[n] <<< depth[tid()]--
      values[n] <<< returnval()
    }
    probe process("${program}").function("enter").return { outer <<< @entry(long_arg(1)) }
    probe end {
      printf("%d %d\\n", @count(outer), @sum(outer))
      foreach (n+ in levels)
        printf("%d: %d %d %d, %d %d\\n", n, @count(levels[n]), @min(levels[n]), @max(levels[n]),
               @min(values[n]), @max(values[n]))
    }`;
  const expected = [0, 1, 2, 3, 4, 5, 6].map(
    (n) => `${n}: 4 ${7 - n} ${7 - n}, ${(n * (n + 1)) / 2} ${(n * (n + 1)) / 2}\n`,
  );
  assert.is(printed(script, `${program} 6 4`), `4 24\n${expected.join("")}`);
});

test("4 threads add to one statistic and to an array of them without loss", () => {
  const program = buildProgram("work");
  const script = `global x, y
    probe process("${program}").function("work") { v = uint_arg(1) & 1023 x <<< v y[v & 3] <<< 1 }
    probe end {
      printf("%d %d %d\\n", @count(x), @min(x), @max(x))
      foreach (k in y) n += @sum(y[k])
      println(n)
      foreach (b in @hist_linear(x, 0, 1023, 256)) m += @hist_linear(x, 0, 1023, 256)[b]
      println(m)
    }`;
  assert.is(printed(script, `${program} 4 200000`), "800000 0 1023\n800000\n800000\n");
});

for (const [what, add, count, clear] of [
  ["deletes a statistic", "x <<< 3", "@count(x)", "delete x"],
  ["assigns a number", "x++", "x", "x = 0"],
  ["deletes elements", "x[uint_arg(1) & 1]++", "x[0] + x[1]", "delete x"],
] as const) {
  test(`a timer ${what} that 4 threads add to: nothing is lost or counted twice`, () => {
    const program = buildProgram("work");
    const script = `global x, total
      probe process("${program}").function("work") { ${add} }
      probe timer.ms(1) { total += ${count} ${clear} }
      probe end { println(total + ${count}) }`;
    const limits = ["-DMAXSKIPPED=100000000", "-DMAXTRYLOCK=1000000"];
    assert.is(printed(script, `${program} 4 200000`, limits), "800000\n");
  });
}

s.run();
