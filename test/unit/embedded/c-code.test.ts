/** C in embedded code: every construct is named at its place; AssemblyScript is left alone. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findC } from "../../../compiler/embedded/c-code.js";

const s = suite("embedded/c-code");

/** Code, the part that is C, and a part of the advice. */
const CASES: readonly (readonly [string, string, string])[] = [
  [" STAP_RETVALUE = 1; ", "STAP_RETVALUE =", "return VALUE;"],
  [" THIS->__retvalue = 3;", "THIS->__retvalue", "return VALUE;"],
  ["STAP_RETURN(4)", "STAP_RETURN", "return VALUE;"],
  [" return STAP_ARG_size + 1;", "STAP_ARG_size", "write 'size'"],
  ["return THIS->name;", "THIS->name", "write 'name'"],
  ['STAP_ERROR ("bad %d", 1);', "STAP_ERROR", 'error("MESSAGE");'],
  ['STAP_PRINTF("x");', "STAP_PRINTF", "print(VALUE);"],
  ['printk(KERN_INFO "x");', "printk", "print(VALUE);"],
  ["STAP_NEXT;", "STAP_NEXT", "next();"],
  ["x = STAP_GLOBAL_GET_hits();", "STAP_GLOBAL_GET_hits", "get_hits()"],
  ["STAP_GLOBAL_SET_hits(4);", "STAP_GLOBAL_SET_hits", "/* pragma:write:hits */"],
  ["\n#include <linux/sched.h>\n", "#include <linux/sched.h>", "no preprocessor"],
  ["\n  # define N 5\n", "# define N 5", "const NAME"],
  ["return p->next;", "->", "read<i32>(ADDRESS + OFFSET)"],
  ["return current->pid;", "current", "pid()"],
  ["x = (struct file *) y;", "(struct file *)", "no pointers"],
  ["x = (char*)y;", "(char*)", "no pointers"],
  ["int n = 5;", "int n", "let n: i64"],
  ["unsigned long total;", "unsigned long total", "let total"],
  ["static u32 seen;", "static u32 seen", "let seen"],
  ["struct list_head list;", "struct", "no 'struct'"],
  ["strlcpy(a, b, 5);", "strlcpy", "strings are values"],
  ["n = kread(&x);", "kread", "read<i32>(ADDRESS)"],
  ["CATCH_DEREF_FAULT();", "CATCH_DEREF_FAULT", "leave it out"],
  ["c = CONTEXT;", "CONTEXT", "register(DWARF_NUMBER)"],
  ["if (p == NULL) x();", "NULL", "'0'"],
  ["return sizeof(int);", "sizeof(", "sizeof<i32>()"],
];

for (const [code, part, advice] of CASES) {
  s(`C: ${code.trim()}`, () => {
    const [first] = findC(code);
    assert.ok(first);
    assert.is(code.slice(first.start, first.start + first.length), part);
    assert.ok(first.message.includes(advice), first.message);
  });
}

const FINE: readonly string[] = [
  "",
  " /* pure */ return 0; ",
  "let n: u32 = 5; const text: string = name; return n;",
  'print("100%"); print("a -> b, NULL, int x;"); // struct file *f',
  "const f = (a: i32): i32 => a * 2; return (a * b);",
  "for (let i: i64 = 0; i < n; i++) sum += read<u8>(address + i);",
  "return sizeof<u64>() + register(3);",
  "function helper(value: bool): void { }",
  "/* int x; #include <a.h>\n#define y */ return 1;",
  "const text = `int x = 5`; return 1;",
];

for (const code of FINE) {
  s(`AssemblyScript: ${code}`, () => assert.equal(findC(code), []));
}

s("several constructs are reported in order, each kind once", () => {
  const found = findC("int a; int b; STAP_RETVALUE = p->x; return q->y;");
  assert.equal(
    found.map((f) => f.start),
    [0, 14, 31],
  );
});

s.run();
