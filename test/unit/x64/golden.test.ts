/**
 * Listings of small functions: test/golden/x64/<op>/<variant>.wat holds a module whose export "f"
 * is compiled; its code is expected as the trailing comments. WASTAP_GOLDEN=write rewrites them.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bug } from "../../../base/assert.js";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { compileImage } from "../../../wasm-runtime/aot/compile.js";
import { validateModule } from "../../../wasm-runtime/aot/validate.js";
import { disassemble } from "../../../wasm-runtime/x64/print.js";

const test = suite("x64/golden");
const ROOT = join(PACKAGE_ROOT, "test", "golden", "x64");

function assemble(file: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "wastap-golden-"));
  try {
    const out = join(directory, "module.wasm");
    const made = spawnSync("wat2wasm", ["--enable-threads", file, "-o", out], { encoding: "utf8" });
    assert.is(made.status, 0, made.stderr);
    return readFileSync(out);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Code of export "f"; targets outside of it are only called `out`. */
function listing(bytes: Uint8Array): string {
  const module = validateModule(bytes);
  const image = compileImage([{ name: "golden", module }]);
  const index = module.module.exports.find((e) => e.name === "f")?.index ?? 0;
  const { offset, bytes: length } = image.functions.get(`0:${index}`) ?? bug("f was not compiled");
  return disassemble(image.bytes.subarray(offset, offset + length))
    .map((line) => {
      const target = /^(?:j\w+|call) (-?)0x([0-9a-f]+)$/.exec(line.text);
      const inside = target?.[1] === "" && Number.parseInt(target[2] ?? "", 16) < length;
      const text = target && !inside ? line.text.replace(/ \S+$/, " out") : line.text;
      return `;; ${line.offset.toString(16).padStart(4)} ${text}\n`;
    })
    .join("");
}

if (spawnSync("wat2wasm", ["--version"]).error !== undefined) {
  process.stdout.write("skipped: wat2wasm is not installed\n");
  test.skip("wat2wasm is not installed", () => undefined);
} else {
  for (const name of readdirSync(ROOT, { recursive: true, encoding: "utf8" }).sort()) {
    if (!name.endsWith(".wat")) continue;
    test(name, () => {
      const file = join(ROOT, name);
      const text = readFileSync(file, "utf8");
      const source = text.replaceAll(/^;; .*\n/gm, "");
      const found = listing(assemble(file));
      if (process.env["WASTAP_GOLDEN"] === "write") writeFileSync(file, source + found);
      else assert.is(text.slice(source.length), found);
    });
  }
}

test.run();
