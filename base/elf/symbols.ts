/**
 * Function symbols of an ELF file, from .symtab and .dynsym.
 *
 * Undefined symbols (calls through the PLT) are left out. A version (`memcpy@@GLIBC_2.14`) is taken
 * off the name and kept beside it. Source: gABI ch. 4 "Symbol Table", LSB core 5.0 §10.7 (versions).
 */
import {
  cString,
  type ElfImage,
  type ElfSection,
  findSection,
  SECTION,
  sectionBytes,
  viewOf,
  word,
} from "./image.js";

/** A defined function symbol. */
export interface ElfSymbol {
  readonly name: string;
  /** Symbol version without `@`, or null. */
  readonly version: string | null;
  readonly address: number;
  /** In bytes; 0 when the file does not say. */
  readonly size: number;
  readonly binding: "local" | "global" | "weak";
  /** "ifunc": the address is that of the resolver; "untyped": a label in code (STT_NOTYPE). */
  readonly kind: "function" | "ifunc" | "untyped";
  /** In .dynsym, so other modules can call it. */
  readonly exported: boolean;
}

const SYMBOL_BYTES = 24;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_TLS = 6;
const STT_GNU_IFUNC = 10;
const VERSION_HIDDEN = 0x8000;
const SHF_EXECINSTR = 4;

/** Address of the symbol `name` of any kind (data too), or null. */
export function findSymbolAddress(image: ElfImage, name: string): number | null {
  return symbolsThat(image, (each) => each === name).next().value?.address ?? null;
}

/** Addresses of the symbols that have one of `names`, of any kind, by one look at all symbols. */
export function addressesOf(
  image: ElfImage,
  names: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const addresses = new Map<string, number>();
  for (const { name, address } of symbolsThat(image, (each) => names.has(each))) {
    if (!addresses.has(name)) addresses.set(name, address);
  }
  return addresses;
}

/** Addresses of symbols whose names hold `text`, found without reading those of the others. */
export function addressesNamed(image: ElfImage, text: string): ReadonlySet<number> {
  const addresses = new Set<number>();
  for (const section of image.sections) {
    if (section.type !== SECTION.symbols && section.type !== SECTION.dynamicSymbols) continue;
    const strings = image.sections[section.link];
    const begins = strings && beginsBefore(sectionBytes(image, strings), text);
    if (begins === undefined || begins.size === 0) continue;
    const view = viewOf(sectionBytes(image, section));
    for (let at = SYMBOL_BYTES; at + SYMBOL_BYTES <= view.byteLength; at += SYMBOL_BYTES) {
      if (!begins.has(view.getUint32(at, true)) || view.getUint16(at + 6, true) === 0) continue;
      addresses.add(word(view, at + 8));
    }
  }
  return addresses;
}

/** Offsets in the string table `bytes` at which names that hold `text` may begin. */
function beginsBefore(bytes: Uint8Array, text: string): ReadonlySet<number> {
  const strings = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begins = new Set<number>();
  for (let at = strings.indexOf(text); at >= 0; at = strings.indexOf(text, at + 1)) {
    // A name may be the end of another one.
    for (let begin = at; begin >= 0 && bytes[begin] !== 0; begin--) begins.add(begin);
  }
  return begins;
}

/** A data object. */
export interface DataSymbol {
  /** ELF address; of thread-local data the offset in the module's block. */
  readonly address: number;
  /** In bytes; 0 when the file does not say. */
  readonly size: number;
  /** Each thread has one. */
  readonly isThreadLocal: boolean;
}

/** The data object called `name`, or null. */
export function findDataSymbol(image: ElfImage, name: string): DataSymbol | null {
  return chooseData(symbolsThat(image, (each) => each === name));
}

/** The data object among symbols of one name, with their types (gABI ch. 4); null if none is one. */
export function chooseData(
  symbols: Iterable<Pick<NamedSymbol, "address" | "size" | "type">>,
): DataSymbol | null {
  let threadLocal: DataSymbol | null = null;
  for (const { address, size, type } of symbols) {
    if (type === STT_OBJECT || type === STT_NOTYPE) return { address, size, isThreadLocal: false };
    if (type === STT_TLS) threadLocal ??= { address, size, isThreadLocal: true };
  }
  return threadLocal;
}

interface NamedSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  /** STT_…, gABI ch. 4. */
  readonly type: number;
}

/** Defined symbols with a name that is `wanted`. */
function* symbolsThat(
  image: ElfImage,
  wanted: (name: string) => boolean,
): Generator<NamedSymbol, undefined> {
  for (const section of image.sections) {
    if (section.type !== SECTION.symbols && section.type !== SECTION.dynamicSymbols) continue;
    const strings = image.sections[section.link];
    if (!strings) continue;
    const names = sectionBytes(image, strings);
    const view = viewOf(sectionBytes(image, section));
    for (let at = SYMBOL_BYTES; at + SYMBOL_BYTES <= view.byteLength; at += SYMBOL_BYTES) {
      if (view.getUint16(at + 6, true) === 0) continue;
      const [name] = splitVersion(cString(names, view.getUint32(at, true)));
      if (!wanted(name)) continue;
      const type = view.getUint8(at + 4) & 15;
      yield { name, type, address: word(view, at + 8), size: word(view, at + 16) };
    }
  }
}

/** All function symbols, sorted by address, then name; the same name at one address comes once. */
export function readFunctionSymbols(image: ElfImage): ElfSymbol[] {
  const found = new Map<string, ElfSymbol>();
  for (const section of image.sections) {
    if (section.type !== SECTION.symbols && section.type !== SECTION.dynamicSymbols) continue;
    for (const symbol of readTable(image, section)) {
      const key = `${symbol.name}@${symbol.address}`;
      const other = found.get(key);
      found.set(key, other ? merge(other, symbol) : symbol);
    }
  }
  return [...found.values()].sort(byAddressThenName);
}

function merge(a: ElfSymbol, b: ElfSymbol): ElfSymbol {
  return {
    ...a,
    version: a.version ?? b.version,
    size: Math.max(a.size, b.size),
    binding: b.exported ? b.binding : a.binding,
    exported: a.exported || b.exported,
  };
}

function byAddressThenName(a: ElfSymbol, b: ElfSymbol): number {
  if (a.address !== b.address) return a.address - b.address;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function* readTable(image: ElfImage, section: ElfSection): Generator<ElfSymbol> {
  const bytes = sectionBytes(image, section);
  const strings = image.sections[section.link];
  if (!strings) return;
  const names = sectionBytes(image, strings);
  const exported = section.type === SECTION.dynamicSymbols;
  const versionOf = exported ? versionReader(image) : () => null;
  const view = viewOf(bytes);
  for (let i = 1; (i + 1) * SYMBOL_BYTES <= bytes.length; i++) {
    const at = i * SYMBOL_BYTES;
    const info = view.getUint8(at + 4);
    const sectionIndex = view.getUint16(at + 6, true);
    const address = word(view, at + 8);
    const kind = functionKind(image, info & 15, sectionIndex);
    if (sectionIndex === 0 || kind === null) continue;
    const [name, inName] = splitVersion(cString(names, view.getUint32(at, true)));
    if (name === "") continue;
    yield {
      name,
      version: inName ?? versionOf(i),
      address,
      size: word(view, at + 16),
      binding: binding(info >> 4),
      kind,
      exported: exported && info >> 4 !== 0,
    };
  }
}

/** Hand-written assembly often leaves its entry points without a type. */
function functionKind(
  image: ElfImage,
  type: number,
  sectionIndex: number,
): ElfSymbol["kind"] | null {
  if (type === STT_FUNC) return "function";
  if (type === STT_GNU_IFUNC) return "ifunc";
  const section = image.sections[sectionIndex];
  const inCode = section !== undefined && (section.flags & SHF_EXECINSTR) !== 0;
  return type === STT_NOTYPE && inCode ? "untyped" : null;
}

function binding(value: number): ElfSymbol["binding"] {
  if (value === 0) return "local";
  return value === 2 ? "weak" : "global";
}

function splitVersion(name: string): [string, string | null] {
  const at = name.indexOf("@");
  if (at <= 0) return [name, null];
  return [name.slice(0, at), name.slice(at).replace(/^@+/, "")];
}

/** Version of dynamic symbol i, by .gnu.version and .gnu.version_d. */
function versionReader(image: ElfImage): (index: number) => string | null {
  const versions = findSection(image, ".gnu.version");
  const definitions = findSection(image, ".gnu.version_d");
  if (!versions || !definitions) return () => null;
  const names = versionNames(image, definitions);
  const view = viewOf(sectionBytes(image, versions));
  return (index) => {
    if (index * 2 + 2 > view.byteLength) return null;
    return names.get(view.getUint16(index * 2, true) & ~VERSION_HIDDEN) ?? null;
  };
}

/** vd_ndx → name. The base definition (index 1) names the file itself and is left out. */
function versionNames(image: ElfImage, definitions: ElfSection): Map<number, string> {
  const names = new Map<number, string>();
  const strings = image.sections[definitions.link];
  if (!strings) return names;
  const text = sectionBytes(image, strings);
  const view = viewOf(sectionBytes(image, definitions));
  for (let at = 0; at + 20 <= view.byteLength; ) {
    const index = view.getUint16(at + 4, true);
    const auxiliary = at + view.getUint32(at + 12, true);
    const next = view.getUint32(at + 16, true);
    if (index > 1 && auxiliary + 8 <= view.byteLength) {
      names.set(index, cString(text, view.getUint32(auxiliary, true)));
    }
    if (next === 0) break;
    at += next;
  }
  return names;
}
