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
    Buffer.from(text.subarray(start, text.indexOf(0, start))).toString("utf8"),
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

/** Rust's newer mangling and what it stands for, as `nm -C` shows it but for the quotes of characters. */
const RUST: Readonly<Record<string, string>> = {
  _RNvC5kinds7checked: "kinds::checked",
  "_RNvCs1aBWwuGybLu_5kinds7checked.llvm.77": "kinds::checked",
  _RNCNCNvCs1aBWwuGybLu_1k4mains_00B5_: "k::main::{closure#1}::{closure#0}",
  _RNSNvC1k4call6vtableC1l: "k::call::{shim:vtable#0}",
  _RINvC1k4showuThEAfj0_PaOnE: "k::show::<(), (u8,), [f32; 0], *const i8, *mut i128>",
  _RINvC1k4showFG0_RL1_hQL0_eERL1_uE: "k::show::<for<'a, 'b> fn(&'a u8, &'b mut str) -> &'a ()>",
  _RINvC1k4showFUKCPhEzFK8C_unwindEuE:
    'k::show::<unsafe extern "C" fn(*const u8) -> !, extern "C-unwind" fn()>',
  _RINvC1k4showDINtC1c1FhEp6OutputxEL_DNtC1c4Iterp4ItemTacENtC1c4SendEL_E:
    "k::show::<dyn c::F<u8, Output = i64>, dyn c::Iter<Item = (i8, char)> + c::Send>",
  _RINvC1k4showINtB2_2SqKjffffffffffffffff_Kc27_Kb0_Kan80_EKoffffffffffffffffff_E:
    "k::show::<k::Sq<18446744073709551615, '\\'', false, -128>, 0xffffffffffffffffff>",
  _RNvMs_C1kINtB4_1WplE2it: "<k::W<_, i32>>::it",
  _RNvXC1kSeNtB2_5Shape4area: "<[str] as k::Shape>::area",
  _RNvYhNtC1k5Shape4area: "<u8 as k::Shape>::area",
  _RINvNtC1ku9gre_6ka8iu8lnge_loaL_E: "k::größe::länge::<'_>",
  _RNvNtC1ku9gre_6ka8iu7_1lqs71d: "k::größe::東京",
};

s("Rust in its newer mangling, all productions of its grammar", () => {
  const names = Object.keys(RUST);
  assert.equal(demangled(names), Object.values(RUST));
});

s("binders that are not shown cost nothing, and have no lifetimes behind them", () => {
  const hidden = (types: string): string => `_RNvMIC1a${types}Eu1b`;
  const unbound = hidden("FG_RL0_uEuRL0_u");
  assert.equal(demangled([hidden("FGgzz_Eu".repeat(50_000)), unbound]), ["<()>::b", unbound]);
});

s("hostile names of Rust stay", () => {
  const number = (value: number): string => (value === 0 ? "_" : `${(value - 1).toString(36)}_`);
  let doubling = "IC1aTuuE";
  for (let last = 4, n = 0; n < 40; n++) {
    const reference = `B${number(last)}`;
    last = doubling.length;
    doubling += `T${reference}${reference}E`;
  }
  const names = [
    `_R${doubling}E`,
    `_RIC1a${"S".repeat(1000)}uE`,
    "_RIC1aB9_E",
    "_RIC1aFGzzzzzzzz_EuE",
    "_RIC1aRL0_uE",
    "_RIC1aKjg_E",
    "_RIC1aKcd800_E",
    "_RC99999999999999999999a",
    "_RCszzzzzzzzzzzzzzzz_1a",
    "_RCu1z",
    "_RC1-",
  ];
  assert.equal(demangled(names), names);
});

s("what is not mangled, or not as expected, stays", () => {
  const names = [
    "main",
    "i",
    "",
    "_Z",
    "_Z3fo",
    "main.main",
    "_ZN",
    "_R",
    "_RNvC5kinds9checked",
    "_d_f",
  ];
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
  const mangled = [...CXX, ...Object.keys(RUST)];
  const names = Array.from({ length: 5000 }, (_, i) => {
    const characters = [...(mangled[i % mangled.length] ?? "")];
    const place = (): number => Math.floor(random() * characters.length);
    for (let n = 0; n < 3; n++) characters[place()] = characters[place()] ?? "";
    return characters.join("");
  });
  assert.is(demangled(names).filter((name) => name !== "").length, names.length);
});

s.run();
