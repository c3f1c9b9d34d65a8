/**
 * --language-server: what editors ask about scripts, as JSON-RPC on standard input and output.
 * Errors and warnings of passes 1 and 2 for each open script, and completion. Specification:
 * Language Server Protocol 3.17.
 */
import { pathToFileURL } from "node:url";
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node.js";
import { CompileFailed, type Diagnostic } from "../base/diagnostic.js";
import type { Span } from "../base/position.js";
import { TargetError } from "../base/target-error.js";
import { compileUntil } from "../compiler/pipeline.js";
import { compileOptions } from "./compile-input.js";
import { completeScript, createNameSource } from "./complete-script.js";
import { packageVersion } from "./help.js";
import type { Options } from "./options.js";
import { say } from "./output.js";
import {
  type Position,
  positionOf,
  type ScriptDocument,
  scriptDocument,
  textBefore,
} from "./script-document.js";

interface TextDocument {
  readonly uri: string;
  readonly version: number;
  readonly text: string;
}

interface Change {
  readonly textDocument: TextDocument;
  readonly contentChanges: readonly { readonly text: string }[];
}

interface Range {
  readonly start: Position;
  readonly end: Position;
}

const CAPABILITIES = {
  // Documents are sent whole.
  textDocumentSync: { openClose: true, change: 1 },
  completionProvider: { triggerCharacters: [".", "$", "@", '"', "/"] },
};

/** A script is looked at when nobody typed for so long. */
const QUIET_MS = 100;

/** Answers until the editor says `exit` or is gone; gives the exit status. */
export async function serveEditor(options: Options): Promise<number> {
  const connection = createMessageConnection(
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
    { error: say, warn: say, info: say, log: say },
  );
  const documents = new Map<string, ScriptDocument>();
  const stopWatching = watchDocuments(connection, documents, options);
  completeDocuments(connection, documents, options);
  connection.onRequest("initialize", () => ({
    capabilities: CAPABILITIES,
    serverInfo: { name: "wastap", version: packageVersion() },
  }));
  // The protocol wants status 1 from a server that was not told to shut down.
  let status = 1;
  connection.onRequest("shutdown", () => {
    status = 0;
    return null;
  });
  const over = new Promise<void>((resolve) => {
    connection.onNotification("exit", resolve);
    connection.onClose(resolve);
  });
  connection.listen();
  await over;
  stopWatching();
  connection.dispose();
  process.stdin.destroy();
  return status;
}

/** Keeps `documents` as the editor has them, and tells what is wrong with each; what it gives ends that. */
function watchDocuments(
  connection: MessageConnection,
  documents: Map<string, ScriptDocument>,
  options: Options,
): () => void {
  const waiting = new Map<string, NodeJS.Timeout>();
  const publish = (uri: string, diagnostics: readonly object[], version?: number): void => {
    const about = { uri, diagnostics, ...(version === undefined ? {} : { version }) };
    // An editor that is gone takes nothing more; standard input ends then, too.
    connection.sendNotification("textDocument/publishDiagnostics", about).catch(() => undefined);
  };
  const take = ({ uri, version, text }: TextDocument): void => {
    const document = scriptDocument(uri, text);
    documents.set(uri, document);
    clearTimeout(waiting.get(uri));
    const look = (): void => publish(uri, examine(document, options), version);
    waiting.set(uri, setTimeout(look, QUIET_MS));
  };
  connection.onNotification("textDocument/didOpen", (opened: { textDocument: TextDocument }) =>
    take(opened.textDocument),
  );
  connection.onNotification(
    "textDocument/didChange",
    ({ textDocument, contentChanges }: Change) => {
      const text = contentChanges.at(-1)?.text;
      if (text !== undefined) take({ ...textDocument, text });
    },
  );
  connection.onNotification(
    "textDocument/didClose",
    ({ textDocument: { uri } }: { textDocument: TextDocument }) => {
      documents.delete(uri);
      clearTimeout(waiting.get(uri));
      publish(uri, []);
    },
  );
  return () => {
    for (const timer of waiting.values()) clearTimeout(timer);
  };
}

function completeDocuments(
  connection: MessageConnection,
  documents: ReadonlyMap<string, ScriptDocument>,
  options: Options,
): void {
  const context = { options: compileOptions(options, "wastap"), warn: () => undefined };
  const source = createNameSource(context);
  connection.onRequest(
    "textDocument/completion",
    async (at: { textDocument: TextDocument; position: Position }) => {
      const document = documents.get(at.textDocument.uri);
      if (document === undefined) return [];
      const { line, character } = at.position;
      const [names, start] = await completeScript(textBefore(document, at.position), source);
      const range = { start: { line, character: character - start.length }, end: at.position };
      return names.map((name) => ({ label: name, textEdit: { range, newText: name } }));
    },
  );
}

/** What passes 1 and 2 say about a document, as the protocol's Diagnostic. */
function examine(document: ScriptDocument, options: Options): readonly object[] {
  const { file } = document;
  // Files of macros alone are no scripts.
  if (file.name.endsWith(".stpm")) return [];
  const found: Diagnostic[] = [];
  const warn = (diagnostic: Diagnostic): void => void found.push(diagnostic);
  try {
    compileUntil("elaborate", [file], { options: compileOptions(options, "wastap"), warn });
  } catch (error) {
    if (error instanceof CompileFailed) found.push(...error.diagnostics);
    else if (error instanceof TargetError) return [shown(document, error.message, null, 1)];
    else throw error;
  }
  return found.map((each) => {
    const severity = each.severity === "warning" ? 2 : 1;
    const related = each.notes.flatMap(({ message, span }) =>
      span === null || message === "" ? [] : [{ location: locationOf(span, document), message }],
    );
    return {
      ...shown(document, each.message, each.span, severity),
      code: each.code,
      relatedInformation: related,
    };
  });
}

/** What belongs elsewhere is shown at the start. */
function shown(
  { file }: ScriptDocument,
  message: string,
  span: Span | null,
  severity: number,
): object {
  const zero = { line: 0, character: 0 };
  const range = span?.file === file ? rangeOf(span) : { start: zero, end: zero };
  return { range, severity, source: "wastap", message };
}

function rangeOf({ file, start, end }: Span): Range {
  return { start: positionOf(file, start), end: positionOf(file, end) };
}

function locationOf(span: Span, { file, uri }: ScriptDocument): object {
  const where = span.file === file ? uri : pathToFileURL(span.file.name).href;
  return { uri: where, range: rangeOf(span) };
}
