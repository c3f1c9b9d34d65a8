/** Writes the SHA-256 of every prebuilt file to the manifest that `readPrebuilt` checks on load. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST } from "../base/prebuilt.js";
import { PREBUILDS } from "../base/root.js";

const files = readdirSync(PREBUILDS)
  .filter((name) => name !== MANIFEST)
  .sort();
const hashes = files.map((name) => [
  name,
  createHash("sha256")
    .update(readFileSync(join(PREBUILDS, name)))
    .digest("hex"),
]);
writeFileSync(
  join(PREBUILDS, MANIFEST),
  `${JSON.stringify(Object.fromEntries(hashes), null, 2)}\n`,
);
