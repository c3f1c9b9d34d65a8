import { suite } from "uvu";
import * as assert from "uvu/assert";
import { emitBundle } from "../../../compiler/emit/emit.js";
import { binary, get, i32, i64 } from "../../../compiler/ir/build.js";
import type { IrFunction, IrLabel, IrLocal } from "../../../compiler/ir/ir.js";
import type { BundleMeta } from "../../../wasm-runtime/bundle.js";
import { readBundle } from "../../../wasm-runtime/bundle-read.js";
import { compileText } from "../lower/support.js";

const s = suite("emit/emit");

s("a bundle imports what it calls, exports init and handlers, and describes itself", () => {
  const { bundle, meta } = compileText('probe begin { printf("%s\\n", execname()) }');
  const { module, meta: read } = readBundle(bundle);
  const imports = WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`);
  assert.equal(imports.sort(), [
    "env.memory",
    "lib.enter",
    "lib.execname",
    "lib.leave",
    "lib.record_item",
    "lib.record_string",
  ]);
  const exports = WebAssembly.Module.exports(module).map((e) => e.name);
  assert.equal(exports, ["init", "probe_0"]);
  assert.equal(read, meta);
  assert.equal(meta.formats, [
    {
      pieces: [
        { kind: "string", spec: 0x73, width: null, precision: null },
        { kind: "text", text: "\n" },
      ],
    },
  ]);
  assert.equal(meta.capabilities, ["identity"]);
});

s("the same script gives the same bytes", () => {
  const text = 'global a probe begin { a["x"] = 1; foreach (k in a) println(k) }';
  assert.ok(Buffer.from(compileText(text).bundle).equals(compileText(text).bundle));
});

s("control flow of nested blocks, loops and branches", () => {
  const n: IrLocal = { name: "n", type: "i32" };
  const sum: IrLocal = { name: "sum", type: "i64" };
  const end: IrLabel = { name: "end" };
  const again: IrLabel = { name: "again" };
  const fn: IrFunction = {
    reference: { kind: "function", name: "f", parameters: ["i32"], result: "i64" },
    exported: "f",
    parameters: [n],
    locals: [sum],
    body: [
      {
        kind: "block",
        label: end,
        body: [
          {
            kind: "loop",
            label: again,
            body: [
              {
                kind: "if",
                condition: get(n),
                consequent: [
                  { kind: "set", local: n, value: binary("i32.sub", get(n), i32(1)) },
                  { kind: "set", local: sum, value: binary("i64.add", get(sum), i64(2n)) },
                  { kind: "branch", label: again, condition: null },
                ],
                alternate: [{ kind: "branch", label: end, condition: null }],
              },
            ],
          },
        ],
      },
      { kind: "return", value: get(sum) },
    ],
  };
  const meta = compileText("probe begin { exit() }").meta satisfies BundleMeta;
  const { bundle } = emitBundle({
    module: { functions: [fn], foreign: [], data: [], pages: 1 },
    meta,
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const module = new WebAssembly.Module(Uint8Array.from(bundle));
  const { f } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  assert.is((f as (n: number) => bigint)(5), 10n);
});

s.run();
