/** Descriptions of bundles that nobody's compiler writes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BundleMeta } from "../../../wasm-runtime/bundle.js";
import { checkMeta } from "../../../wasm-runtime/meta-check.js";
import { compileText } from "../lower/support.js";

const s = suite("bundle/meta-check");
const { meta } = compileText('probe procfs("some/file").write { print($value) }');

/** `meta` with a control file at `path`. */
function withPath(path: string): BundleMeta {
  const probes = meta.probes.map((probe) =>
    probe.point.kind === "procfs" ? { ...probe, point: { ...probe.point, path } } : probe,
  );
  return { ...meta, probes };
}

s("control files lie below the directory of the session", () => {
  assert.is(checkMeta(meta), null);
  assert.is(checkMeta(withPath("...")), null);
  for (const path of ["", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "a/", "./a", "a\0b"]) {
    const problem = "meta.probes[0].point.path: expected the path of a file below a directory";
    assert.is(checkMeta(withPath(path)), problem, path);
  }
});

s("a control file has room for a string", () => {
  const { procfsBytes } = meta.memory;
  const memory = { ...meta.memory, procfsBytes: procfsBytes - 64 };
  assert.is(checkMeta({ ...meta, memory }), "meta.memory: control files have too little room");
});

s.run();
