/**
 * Finds C in embedded code, where SystemTap has it: each construct with its place and with what to
 * write in AssemblyScript. Takes the text of a block; needs no compiler.
 */

/** A piece of C; `start` and `length` are in the code. */
export interface CFinding {
  readonly start: number;
  readonly length: number;
  /** What it is and what to write. */
  readonly message: string;
}

/** A construct: what matches it, and what is said of the match. */
type Rule = readonly [RegExp, string | ((match: readonly string[]) => string)];

const NO_POINTERS = "there are no pointers into the process: write 'read<i32>(ADDRESS)'";

/** In the order in which they are tried at one place; `\b` keeps them from parts of words. */
const RULES: readonly Rule[] = [
  [/^[ \t]*#[ \t]*\w+[^\n]*/m, "there is no preprocessor: write a constant as 'const NAME = 1;'"],
  [/\bSTAP_RETVALUE\s*=(?!=)/, "write 'return VALUE;'"],
  [/\bSTAP_RETVALUE\b|\bTHIS\s*->\s*__retvalue\b/, "write 'return VALUE;'"],
  [/\bSTAP_RETURN\b/, "write 'return VALUE;'"],
  [/\bSTAP_ARG_(\w+)/, ([, name]) => `an argument goes by its name: write '${name}'`],
  [/\bTHIS\s*->\s*(\w+)/, ([, name]) => `an argument goes by its name: write '${name}'`],
  [/\bSTAP_ERROR\b/, "write 'error(\"MESSAGE\");'"],
  [/\bCONTEXT\s*->\s*last_error\b/, "write 'error(\"MESSAGE\");'"],
  [/\b(STAP_PRINTF|STAP_PRINT|_stp_printf?|_stp_warn|printk|printf)\b/, "write 'print(VALUE);'"],
  [/\bSTAP_NEXT\b/, "write 'next();'"],
  [
    /\bSTAP_GLOBAL_(GET|SET)_(\w+)/,
    ([, access, name]) =>
      access === "GET"
        ? `write 'get_${name}()' and /* pragma:read:${name} */`
        : `write 'set_${name}(VALUE)' and /* pragma:write:${name} */`,
  ],
  [/\bCATCH_DEREF_FAULT\b/, "leave it out: read() raises the error itself"],
  [/\bCONTEXT\b/, "there is no probe context: a register is 'register(DWARF_NUMBER)'"],
  [/\b(kwrite|uwrite|store_deref|store_uderef)\b/, "write 'write<i32>(ADDRESS, VALUE)'"],
  [
    /\b(kread|uread|kderef|uderef|deref|kderef_buffer|copy_from_user|get_user|_stp_deref\w*)\b(?=\s*\()/,
    "write 'read<i32>(ADDRESS)'",
  ],
  [
    /\b(deref_string|kderef_string|uderef_string|_stp_copy_from_user|strncpy_from_user)\b/,
    "write 'readString(ADDRESS)'",
  ],
  [
    /\b(snprintf|sprintf|strlcpy|strlcat|strncpy|strcpy|strncat|strcat)\b/,
    "strings are values: write 'return A + B;'",
  ],
  [/\bMAXSTRINGLEN\b/, "leave it out: a result that is too long is cut"],
  [/\bcurrent\b(?=\s*->)/, "there is no task: write 'pid()', 'tid()' or 'execname()'"],
  [/\bsizeof\s*\(/, "write 'sizeof<i32>()', or the number of bytes"],
  [/->/, "there are no structures: write 'read<i32>(ADDRESS + OFFSET)'"],
  [/\(\s*(?:(?:const|volatile|unsigned|signed|struct|union)\s+)*\w+\s*\*+\s*\)/, NO_POINTERS],
  [
    /\b(struct|union|typedef|goto|extern|register|volatile)\b(?=\s+\w)/,
    ([word]) => `there is no '${word}'`,
  ],
  [
    /\b(?:static\s+|const\s+)*(?:(?:unsigned|signed|long|short)\s+)+(?:int\s+|char\s+|long\s+)?\*?\s*(\w+)\s*(?=[=;,[(])/,
    declaration,
  ],
  [
    /\b(?:static\s+|const\s+)*(?:int|char|long|short|void|size_t|bool|u?int(?:8|16|32|64)_t|[su](?:8|16|32|64))\s+\**\s*(\w+)\s*(?=[=;,[(])/,
    declaration,
  ],
  [/\bNULL\b/, "write '0'"],
];

function declaration([, name]: readonly string[]): string {
  return `declare it as 'let ${name}: i64 = 0;'`;
}

/** The first of each kind of C in `code`, in order. */
export function findC(code: string): readonly CFinding[] {
  const text = blank(code);
  const found: CFinding[] = [];
  for (const [pattern, message] of RULES) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const start = match.index + (match[0].length - match[0].trimStart().length);
    const length = match[0].trim().length;
    if (found.some((f) => start < f.start + f.length && f.start < start + length)) continue;
    const hint = typeof message === "string" ? message : message(match);
    const what = code.slice(start, start + length).replace(/\s+/g, " ");
    found.push({
      start,
      length,
      message: `'${what}' is C, embedded code is AssemblyScript: ${hint}`,
    });
  }
  return found.sort((a, b) => a.start - b.start);
}

/** `code` with comments and the insides of strings blanked, every other character in its place. */
function blank(code: string): string {
  const quoted =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  return code.replace(quoted, (part) => {
    const isString = !part.startsWith("/");
    const inner = part.slice(1, -1).replace(/[^\n%]/g, " ");
    return isString ? `${part[0]}${inner}${part.at(-1)}` : part.replace(/[^\n]/g, " ");
  });
}
