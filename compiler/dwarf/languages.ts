/** Source languages: DWARF 5 table 7.17 and later codes. */

/** Name without DW_LANG_ → code. */
export const LANGUAGES = {
  C89: 0x01,
  C: 0x02,
  Ada83: 0x03,
  C_plus_plus: 0x04,
  Cobol74: 0x05,
  Cobol85: 0x06,
  Fortran77: 0x07,
  Fortran90: 0x08,
  Pascal83: 0x09,
  Modula2: 0x0a,
  Java: 0x0b,
  C99: 0x0c,
  Ada95: 0x0d,
  Fortran95: 0x0e,
  PLI: 0x0f,
  ObjC: 0x10,
  ObjC_plus_plus: 0x11,
  UPC: 0x12,
  D: 0x13,
  Python: 0x14,
  OpenCL: 0x15,
  Go: 0x16,
  Modula3: 0x17,
  Haskell: 0x18,
  C_plus_plus_03: 0x19,
  C_plus_plus_11: 0x1a,
  OCaml: 0x1b,
  Rust: 0x1c,
  C11: 0x1d,
  Swift: 0x1e,
  Julia: 0x1f,
  Dylan: 0x20,
  C_plus_plus_14: 0x21,
  Fortran03: 0x22,
  Fortran08: 0x23,
  RenderScript: 0x24,
  BLISS: 0x25,
  Mips_Assembler: 0x8001,
} as const;

/** A language by its name without DW_LANG_. */
export type LanguageName = keyof typeof LANGUAGES;

/** The language `code`, null if it is not known here. */
export function languageName(code: number): LanguageName | null {
  const found = Object.entries(LANGUAGES).find(([, value]) => value === code);
  return found === undefined ? null : (found[0] as LanguageName);
}
