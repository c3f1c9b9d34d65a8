/**
 * The process that runs the AssemblyScript compiler: AscRequest as JSON on standard input,
 * WorkerAnswer as JSON on standard output. Reads and writes no files.
 */
import { readFileSync } from "node:fs";
import type { AscMessage, AscRequest, WorkerAnswer } from "./asc.js";

/** What is used of the compiler (assemblyscript/dist/asc.d.ts). */
interface Asc {
  readonly libraryFiles: Record<string, string>;
  main(arguments_: readonly string[], hooks: AscHooks): Promise<{ readonly error: Error | null }>;
}

interface AscHooks {
  readFile(name: string): string | null;
  writeFile(name: string, content: Uint8Array): void;
  listFiles(): readonly string[];
  reportDiagnostic(diagnostic: AscDiagnostic): void;
}

interface AscDiagnostic {
  readonly message: string;
  /** 0 pedantic, 1 information, 2 warning, 3 error. */
  readonly category: number;
  readonly range: {
    readonly start: number;
    readonly end: number;
    readonly source: { readonly normalizedPath: string } | null;
  } | null;
}

const ERROR = 3;

/** Where the standard library would throw it calls abort, which raises an error of the script. */
const OPTIONS = [
  ...["script.ts", "--outFile", "script.wasm", "--runtime", "stub", "-O2"],
  ...["--use", "abort=wastap/abort", "--importMemory", "--noExportMemory", "--sharedMemory"],
  ...["--initialMemory", "32768", "--maximumMemory", "32768", "--enable", "threads"],
];

async function answer(request: AscRequest & { readonly compiler: string }): Promise<WorkerAnswer> {
  const asc = await load(request.compiler);
  if (asc === null) return { kind: "missing" };
  asc.libraryFiles["rt/stub"] = request.runtime;
  const messages: AscMessage[] = [];
  let wasm: Uint8Array | null = null;
  const { error } = await asc.main([...OPTIONS, "--memoryBase", String(request.memoryBase)], {
    readFile: (name) => request.sources[name] ?? null,
    writeFile: (_, content) => {
      wasm = content;
    },
    listFiles: () => [],
    reportDiagnostic: (diagnostic) => {
      if (diagnostic.category === ERROR) messages.push(messageOf(diagnostic));
    },
  });
  if (error === null && wasm !== null) {
    return { kind: "compiled", base64: Buffer.from(wasm).toString("base64") };
  }
  const text = error?.message ?? "no output";
  const found = messages.length > 0 ? messages : [{ text, file: null, start: 0, end: 0 }];
  return { kind: "failed", messages: found };
}

function messageOf({ message, range }: AscDiagnostic): AscMessage {
  return {
    text: message,
    file: range?.source?.normalizedPath ?? null,
    start: range?.start ?? 0,
    end: range?.end ?? 0,
  };
}

async function load(specifier: string): Promise<Asc | null> {
  try {
    const module = (await import(specifier)) as { readonly default: Asc };
    return module.default;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
      return null;
    }
    throw error;
  }
}

process.stdout.write(JSON.stringify(await answer(JSON.parse(readFileSync(0, "utf8")))));
