/** Prebuilt binaries (addon, shim, library): found by path, checked against the manifest of hashes. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PREBUILDS } from "./root.js";
import { TargetError } from "./target-error.js";

/** File in the prebuilds directory that maps each file name to its SHA-256 in hex. */
export const MANIFEST = "manifest.json";

/** Absolute path of prebuilt file `name`, after its bytes were found to match the manifest. */
export function prebuiltPath(name: string): string {
  readPrebuilt(name);
  return join(PREBUILDS, name);
}

/** Bytes of prebuilt file `name`. Throws TargetError if it is missing or not the one that was built. */
export function readPrebuilt(name: string): Uint8Array {
  const bytes = read(name);
  const expected = manifest()[name];
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (expected !== actual) {
    throw new TargetError(
      `"${join(PREBUILDS, name)}" is not the file that was built with this package (SHA-256 differs from ${MANIFEST}); reinstall wastap, or run make in a checkout`,
      { operation: "load prebuilt file", subject: name },
    );
  }
  return bytes;
}

function manifest(): Record<string, unknown> {
  const parsed: unknown = JSON.parse(Buffer.from(read(MANIFEST)).toString("utf8"));
  return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
}

function read(name: string): Uint8Array {
  const path = join(PREBUILDS, name);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TargetError(
      `prebuilt file "${path}" is missing: this package was built without ${process.platform}-${process.arch}, or run make in a checkout`,
      { operation: "load prebuilt file", subject: name },
      { cause },
    );
  }
}
