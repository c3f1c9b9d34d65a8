/**
 * Pass 1: text of a file → Script (language.md §1-6). After an error it goes on at the next
 * top-level keyword, so one run reports what is wrong in every declaration.
 */
import { release } from "node:os";
import { CompileFailed, type Diagnostic } from "../../base/diagnostic.js";
import { message } from "../../base/messages.js";
import type { SourceFile } from "../../base/position.js";
import type { CompileContext, CompileOptions, Stage } from "../../base/stage.js";
import { compareVersions } from "../../base/version.js";
import {
  type FunctionDeclaration,
  type GlobalDeclaration,
  newNodeId,
  type ProbeAlias,
  type ProbeDeclaration,
  type Script,
} from "../syntax/ast.js";
import { isKeyword } from "../syntax/keywords.js";
import { showScript } from "../syntax/print.js";
import { toBytes } from "../syntax/strings.js";
import { type Declarations, parseDeclaration } from "./declarations.js";
import { parseExpression } from "./expressions.js";
import { Lexer } from "./lexer.js";
import { type MacroDefinition, MacroExpander } from "./macros.js";
import { Preprocessor } from "./preprocess.js";
import { TokenStream } from "./stream.js";
import { ParseFailure, parseError, type Token } from "./token.js";

/** What parsing a file depends on and where its messages go. */
export interface ParseContext {
  readonly options: Pick<CompileOptions, "args" | "guru" | "compatible">;
  /** Macros of the tapset library. */
  readonly libraryMacros: ReadonlyMap<string, MacroDefinition>;
  /** Takes errors and warnings in the order they are found. */
  report(diagnostic: Diagnostic): void;
  /** Learns of declarations in which a condition asks for the version of SystemTap. */
  dependsOnVersion?(declaration: Declaration): void;
}

/** What a script declares. */
export type Declaration = FunctionDeclaration | GlobalDeclaration | ProbeAlias | ProbeDeclaration;

/** Tokens of `file` after preprocessing, and the macros it defines. */
interface Preprocessed {
  next(): Token | null;
  /** False as long as there was nothing but comments. */
  hasTokens(): boolean;
  /** Number of conditions so far that asked for the version. */
  versionsAsked(): number;
  readonly macros: MacroExpander;
  /** Numbers of the arguments of the command line that were taken so far. */
  readonly argumentsUsed: ReadonlySet<number>;
}

function preprocess(file: SourceFile, context: ParseContext): Preprocessed {
  const { args, guru, compatible } = context.options;
  const isReserved = (word: string): boolean =>
    isKeyword(word) && (word !== "private" || isSince("3.0", file, context));
  const argumentsUsed = new Set<number>();
  const lexer = new Lexer(file, args.map(toBytes), isReserved, {
    reversedEnd(span) {
      const warning = parseError({ kind: "embedded-code", span }, "reversed-embedded-end");
      context.report({ ...warning, severity: "warning" });
    },
    argumentUsed: (number) => argumentsUsed.add(number),
  });
  const macros = new MacroExpander(lexer, file, context.libraryMacros, context.report);
  let asked = 0;
  const preprocessor = new Preprocessor(macros, {
    compatible,
    guru: guru || file.library,
    kernelRelease: release(),
    versionAsked: () => {
      asked++;
    },
  });
  return {
    macros,
    next: () => preprocessor.next(),
    hasTokens: () => lexer.hasTokens,
    versionsAsked: () => asked,
    argumentsUsed,
  };
}

/** True if `file` is read as `version` and later ones do; the library always is. */
function isSince(version: string, file: SourceFile, { options }: ParseContext): boolean {
  return file.library || compareVersions(options.compatible, version) >= 0;
}

/** Parses `file`. Errors go to `context.report`; declarations that hold one are left out. */
export function parseScript(file: SourceFile, context: ParseContext): Script {
  const { next, hasTokens, versionsAsked, argumentsUsed } = preprocess(file, context);
  const privileged = context.options.guru || file.library;
  const stream = new TokenStream(file, next, privileged, parseExpression);
  stream.hasMachineOperators = isSince("4.0", file, context);
  stream.assignsInElse = !stream.hasMachineOperators;
  const into: Declarations = {
    globals: [],
    functions: [],
    aliases: [],
    probes: [],
    embedded: [],
  };
  let isEmpty = true;
  let goesOn = true;
  while (goesOn)
    attempt(stream, context, () => {
      const asked = versionsAsked();
      const before = newNodeId();
      goesOn = stream.peek() !== null;
      if (!goesOn) return;
      isEmpty = false;
      parseDeclaration(stream, into);
      if (asked === versionsAsked()) return;
      for (const declaration of declarationsOf(into))
        if (declaration.id > before) context.dependsOnVersion?.(declaration);
    });
  if (isEmpty) reportEmpty(file, hasTokens(), context);
  return { file, ...into, argumentsUsed };
}

function declarationsOf(script: Declarations): readonly Declaration[] {
  return [...script.globals, ...script.functions, ...script.aliases, ...script.probes];
}

/** Runs `parse`; an error is reported and what follows it is skipped. */
function attempt(stream: TokenStream, context: ParseContext, parse: () => void): void {
  try {
    parse();
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure;
    context.report(failure.diagnostic);
    if (failure.skips) recover(stream, context);
  }
}

/** Skips to what starts the next declaration, or to embedded code; what is wrong on the way is reported. */
function recover(stream: TokenStream, context: ParseContext): void {
  for (;;) {
    try {
      const token = stream.peek();
      if (token === null) return;
      if (startsDeclaration(token)) return;
      stream.next();
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure;
      context.report(failure.diagnostic);
    }
  }
}

function startsDeclaration({ kind, text }: Token): boolean {
  return kind === "embedded-code" || (kind === "keyword" && DECLARATIONS.has(text));
}

const DECLARATIONS: ReadonlySet<string> = new Set(
  ["probe", "global", "private", "function"].filter(isKeyword),
);

function reportEmpty(file: SourceFile, hasTokens: boolean, context: ParseContext): void {
  if (file.library) return;
  const code = hasTokens ? "empty-after-preprocessing" : "empty-file";
  context.report({
    code,
    severity: "parse error",
    message: message(code, [file.name]),
    span: null,
    token: "",
    notes: [],
  });
}

/** Reads the macros of a library file (.stpm): `@define`s, possibly in conditionals. */
export function parseMacroFile(
  file: SourceFile,
  context: ParseContext,
): ReadonlyMap<string, MacroDefinition> {
  const { next, macros } = preprocess(file, context);
  const stream = new TokenStream(file, next, true, parseExpression);
  attempt(stream, context, () => {
    if (stream.peek() !== null) stream.fail("macro-file-token", file.name);
  });
  return new Map([...macros.defined].map(([name, macro]) => [name, { ...macro, library: true }]));
}

/** The scripts of a session (the main one, then those of -E) and the macros they may use. */
export interface ParseInput {
  readonly files: readonly SourceFile[];
  readonly libraryMacros: ReadonlyMap<string, MacroDefinition>;
}

/** The parser as first stage of the pipeline; throws CompileFailed with all errors. */
export const parseStage: Stage<ParseInput, readonly Script[]> = {
  name: "parse",
  run({ files, libraryMacros }: ParseInput, context: CompileContext): readonly Script[] {
    const errors: Diagnostic[] = [];
    const scripts = files.map((file) =>
      parseScript(file, {
        options: context.options,
        libraryMacros,
        report(diagnostic) {
          if (diagnostic.severity === "warning") context.warn(diagnostic);
          else errors.push(diagnostic);
        },
        dependsOnVersion: (declaration) => warnOfVersion(declaration, context),
      }),
    );
    if (errors.length > 0) throw new CompileFailed(errors);
    return scripts;
  },
  dump: (scripts: readonly Script[]): string =>
    `# parse tree dump\n${scripts.map(showScript).join("")}`,
};

/** --check-version */
function warnOfVersion({ kind, span }: Declaration, context: CompileContext): void {
  if (!context.options.checkVersion) return;
  context.warn({
    code: "depends-on-version",
    severity: "warning",
    message: message("depends-on-version", [kind]),
    span,
    token: kind === "probe" || kind === "alias" ? "keyword" : "identifier",
    notes: [],
  });
}
