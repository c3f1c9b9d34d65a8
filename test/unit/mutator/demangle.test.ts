/** Demangled names: C++, Rust, what stays, and names that would come to more than there is memory. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { demangleNames } from "../../../shim/mutator/tables/demangle.js";
import { runTool } from "../../support/dwarf-programs.js";
import { createRandom } from "../../support/random.js";
import { hasProgram } from "../../support/tools.js";

const s = suite("mutator/demangle");

function demangled(names: readonly string[]): string[] {
  const { text, starts } = demangleNames(names.map((name) => Buffer.from(name, "latin1")));
  assert.is(starts.length, names.length);
  return [...starts].map((start) =>
    Buffer.from(text.subarray(start, text.indexOf(0, start))).toString("latin1"),
  );
}

const CXX = [
  "_ZN3foo3barEv",
  "_ZNK3geo3BoxINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEE5twiceEv",
  "_ZN3fooD2Ev",
  "_ZN3foocvbEv",
  "_ZZ4mainENKUlT_T0_E_clIiiEEDaS_S0_",
  "_ZN3foo3barEv.part.0.cold",
  "_ZTVN10__cxxabiv117__class_type_infoE",
  "_ZGVZN3foo3barEvE1x",
  "_ZNSt5tupleIJiPcRKdEEC1IJiS0_S2_EEEDpOT_",
];

s("C++ as c++filt prints it", () => {
  assert.equal(demangled(CXX).slice(0, 4), [
    "foo::bar()",
    "geo::Box<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >::twice() const",
    "foo::~foo()",
    "foo::operator bool()",
  ]);
  if (!hasProgram("c++filt")) return;
  assert.equal(demangled(CXX), runTool("c++filt", CXX, "/").trimEnd().split("\n"));
});

s("Rust without the hash, in its older mangling", () => {
  const mangled = (...path: readonly string[]): string =>
    `_ZN${[...path, "h0123456789abcdef"].map((part) => `${part.length}${part}`).join("")}E`;
  const expected = {
    [mangled("core", "fmt", "write")]: "core::fmt::write",
    [`${mangled("core", "fmt", "write")}.llvm.1234`]: "core::fmt::write",
    [mangled("_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$", "fmt")]:
      "<alloc::string::String as core::fmt::Display>::fmt",
    [mangled("main", "run", "_$u7b$$u7b$closure$u7d$$u7d$")]: "main::run::{{closure}}",
    [mangled("_$LT$$RF$T$u20$as$u20$_$GT$", "a.b")]: "<&T as _>::a.b",
  };
  assert.equal(demangled(Object.keys(expected)), Object.values(expected));
});

s("what is not mangled, or not as expected, stays", () => {
  const names = ["main", "i", "", "_Z", "_Z3fo", "main.main", "_ZN", "_RNvC5kinds7checked", "_d_f"];
  assert.equal(demangled(names), names);
  assert.equal(demangled([]), []);
});

/** f(P<int, int>, P<of the last one, twice>, …): the name doubles with each argument. */
function doubling(count: number): string {
  const part = (index: number): string =>
    `S${index === 0 ? "" : (index - 1).toString(36).toUpperCase()}_`;
  const pairs = Array.from({ length: count }, (_, i) => `S_I${part(i + 1).repeat(2)}E`);
  return `_Z1f1PIiiE${pairs.join("")}`;
}

s("a name that would come to very much stays, and so do very many that come to much", () => {
  assert.match(demangled([doubling(3)])[0] ?? "", /^f\(P<int, int>, P<P<int, int>, P<int, int> >,/);
  const bombs = [doubling(40), `_Z1f${"1aIJiiiiiiiiEE".repeat(4)}${"Dp".repeat(40)}T_`];
  assert.equal(demangled(bombs), bombs);
  const many = Array.from({ length: 2000 }, () => doubling(9));
  const total = demangled(many).reduce((sum, name) => sum + name.length, 0);
  assert.ok(total < 17 * many.join("").length + 2 ** 20, `${total}`);
});

s("damaged names end in some name", () => {
  const random = createRandom();
  const names = Array.from({ length: 5000 }, (_, i) => {
    const characters = [...(CXX[i % CXX.length] ?? "")];
    const place = (): number => Math.floor(random() * characters.length);
    for (let n = 0; n < 3; n++) characters[place()] = characters[place()] ?? "";
    return characters.join("");
  });
  assert.is(demangled(names).filter((name) => name !== "").length, names.length);
});

s.run();
