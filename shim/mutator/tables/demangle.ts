/** Names of C++ and Rust as their programmers wrote them; by the C++ runtime, in the addon. */
import { loadAddon } from "../../../base/addon.js";
import { createNames } from "./names.js";

/** Names one behind the other, each with its NUL, and where each begins. */
export interface NameList {
  readonly text: Uint8Array;
  readonly starts: Uint32Array;
}

/** What `names` stand for; those that are not mangled, or in no way that is known, are as they were. */
export function demangleNames(names: readonly Uint8Array[]): NameList {
  const list = createNames(0);
  for (const name of names) list.add(name);
  return loadAddon()["demangleNames"]?.(list.bytes()) as NameList;
}
