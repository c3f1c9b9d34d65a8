/**
 * Loads the native addon by path from prebuilds/ (made by prebuildify); the package has no install
 * script. Its functions are untyped here; each folder that has native code wraps its own.
 */
import { createRequire } from "node:module";
import { prebuiltPath } from "./prebuilt.js";
import { TargetError } from "./target-error.js";

/** What the addon exports: functions by name. */
export type Addon = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

let loaded: Addon | null = null;

/** The addon for this machine, loaded once. Throws TargetError if there is none. */
export function loadAddon(): Addon {
  if (loaded !== null) return loaded;
  const path = prebuiltPath("wastap.node");
  const about = { operation: "load the native addon", subject: path };
  try {
    loaded = createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TargetError(`cannot load the native addon '${path}': ${reason}`, about, { cause });
  }
  return loaded;
}
