/** --language-server, asked by a client of the protocol as editors ask it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node.js";
import { buildProgram, WASTAP, wastap } from "../support/tools.js";

const s = suite("run/language-server");
const directory = mkdtempSync(join(tmpdir(), "wastap-editor-"));
s.after(() => rmSync(directory, { recursive: true }));

interface Found {
  readonly message: string;
  readonly severity: number;
  readonly range: { readonly start: { readonly line: number; readonly character: number } };
  readonly relatedInformation?: readonly { readonly message: string }[];
}

interface Editor {
  readonly server: ChildProcess;
  readonly connection: MessageConnection;
  /** Opens or changes the script; what is wrong with it. */
  examine(text: string): Promise<readonly Found[]>;
  /** Labels offered at the end of `text`, which the script then has. */
  offered(text: string): Promise<readonly string[]>;
  /** Ends the server; its exit status. */
  leave(): Promise<number | null>;
}

async function startEditor(...args: readonly string[]): Promise<Editor> {
  const server = spawn(process.execPath, [WASTAP, "--language-server", ...args], {
    stdio: "pipe",
  });
  server.stderr.pipe(process.stderr, { end: false });
  const ended = new Promise<number | null>((resolve) => server.on("exit", resolve));
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const published = new Map<number, (found: readonly Found[]) => void>();
  connection.onNotification(
    "textDocument/publishDiagnostics",
    (about: { version: number; diagnostics: readonly Found[] }) =>
      published.get(about.version)?.(about.diagnostics),
  );
  connection.listen();
  const uri = pathToFileURL(join(directory, "a script.stp")).href;
  let version = 0;
  const write = (text: string): Promise<readonly Found[]> => {
    version++;
    const done = new Promise<readonly Found[]>((resolve) => published.set(version, resolve));
    const textDocument = { uri, version, languageId: "systemtap", text };
    if (version === 1) {
      void connection.sendNotification("textDocument/didOpen", { textDocument });
    } else {
      const change = { textDocument, contentChanges: [{ text }] };
      void connection.sendNotification("textDocument/didChange", change);
    }
    return done;
  };
  await connection.sendRequest("initialize", { processId: null, rootUri: null, capabilities: {} });
  return {
    server,
    connection,
    examine: write,
    offered: async (text) => {
      void write(text);
      const lines = text.split("\n");
      const position = { line: lines.length - 1, character: lines.at(-1)?.length };
      const items = await connection.sendRequest<{ label: string }[]>("textDocument/completion", {
        textDocument: { uri },
        position,
      });
      return items.map(({ label }) => label);
    },
    leave: async () => {
      await connection.sendRequest("shutdown");
      await connection.sendNotification("exit");
      return ended;
    },
  };
}

s("errors and warnings where they are, until they are mended", async () => {
  const editor = await startEditor();
  const comment = "/* ä € 😀 */ ";
  const [parse] = await editor.examine(`probe begin {\n${comment}] }`);
  assert.match(parse?.message ?? "", /^expected/);
  assert.equal(parse?.range.start, { line: 1, character: comment.length });
  const found = await editor.examine(`probe begin {\n${comment}printn("") }`);
  const unresolved = found.find(({ severity }) => severity === 1);
  assert.match(unresolved?.message ?? "", /unresolved function/);
  assert.equal(unresolved?.range.start, { line: 1, character: comment.length });
  const [mismatch] = await editor.examine('global a\nprobe begin { a = 1 }\nprobe end { a = "" }');
  assert.match(mismatch?.message ?? "", /type mismatch/);
  assert.ok((mismatch?.relatedInformation ?? []).length > 0);
  const warned = await editor.examine("probe begin { x = 1 println(2) }");
  assert.ok(warned.length > 0 && warned.every(({ severity }) => severity === 2));
  assert.equal(await editor.examine("probe begin { println(1) }"), []);
  assert.is(await editor.leave(), 0);
});

s("completion of functions, macros, points and the script's own names", async () => {
  const editor = await startEditor();
  assert.equal(await editor.offered("probe begin { str_repl"), ["str_replace"]);
  assert.equal(await editor.offered("global total_bytes\nprobe end { total_"), ["total_bytes"]);
  const declared =
    "private global own_a, own_b private own_c private function own_d() {} probe end { ";
  const own = ["own_a", "own_b", "own_c", "own_d"];
  assert.equal(await editor.offered(`${declared}own_`), own);
  assert.equal(await editor.offered("probe begin { @hist_"), ["@hist_linear", "@hist_log"]);
  assert.equal(await editor.offered("probe timer.jif"), ["jiffies"]);
  const names = await editor.offered(`probe process("${directory}`);
  assert.equal(names, [`${directory}/`]);
  assert.is(await editor.leave(), 0);
});

s("completion of functions and variables of a program", async () => {
  const program = buildProgram("values", ["-g"]);
  const editor = await startEditor();
  const listed = wastap(["-L", `process("${program}").function("main")`]).stdout;
  const point = `process("${program}").function("`;
  assert.equal(await editor.offered(`probe ${point}mai`), ["main"]);
  const variables = [...listed.matchAll(/ (\$\w+):/g)].map(([, name]) => name).sort();
  assert.equal(await editor.offered(`probe ${point}main") { println($`), variables);
  assert.is(await editor.leave(), 0);
});

s("a server whose editor is gone ends", async () => {
  const { server } = await startEditor();
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.stdin?.end();
  assert.is(await ended, 1);
});

s("an editor that stops reading is no error of the server", async () => {
  const { server, connection } = await startEditor();
  server.stdout?.destroy();
  const textDocument = { uri: "untitled:1", version: 1, languageId: "systemtap", text: "" };
  let said = "";
  const told = new Promise<void>((resolve) =>
    server.stderr?.on("data", (data: Buffer) => {
      said += data;
      resolve();
    }),
  );
  const ended = new Promise((resolve) => server.on("close", resolve));
  await connection.sendNotification("textDocument/didOpen", { textDocument });
  await told;
  server.stdin?.end();
  assert.is(await ended, 1);
  assert.is(said, "Sending notification failed.\n");
});

s("a library with errors offers nothing until it is mended", async () => {
  const macros = join(directory, "wrong.stpm");
  writeFileSync(macros, "@define m %( 1 %) probe");
  const editor = await startEditor("-I", directory);
  assert.equal(await editor.offered("probe begin { str_repl"), []);
  writeFileSync(macros, "@define m %( 1 %)");
  assert.equal(await editor.offered("probe begin { str_repl"), ["str_replace"]);
  rmSync(macros);
  assert.is(await editor.leave(), 0);
});

s("options that exclude it", () => {
  for (const args of [["script.stp"], ["-e", "probe begin {}"], ["-l", "begin"], ["-i"]]) {
    const { status, stderr } = wastap(["--language-server", ...args]);
    assert.is(status, 1);
    assert.match(stderr, /Cannot specify .*--language-server/);
  }
});

s.run();
