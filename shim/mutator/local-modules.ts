/**
 * Module areas for handlers that run in this process: what is mapped in the process that a handler
 * is about, in the form that its own handlers have it (MODULES), here in our memory.
 *
 * Made when a handler first runs about a process. What it maps or unmaps later is looked for now and
 * then, and at once when it executes another program.
 */
import { TargetError } from "../../base/target-error.js";
import { mapMemory, unmapMemory } from "../../wasm-runtime/aot/native.js";
import {
  contentKey,
  fillModuleArea,
  type ModuleContent,
  type ModuleNeeds,
  moduleAreaBytes,
  needsModules,
  readContent,
} from "./modules.js";
import type { OwnModule } from "./own-modules.js";
import { readMappings } from "./process.js";

/** Module areas by process. */
export interface LocalModules {
  /** Address of the area of process `pid`; 0 if handlers ask for no modules or it is gone. */
  addressOf(pid: number): number;
  /** Process `pid` has ended, or has executed another program. */
  forget(pid: number): void;
}

interface View {
  readonly address: bigint;
  readonly bytes: number;
  readonly key: string;
  /** Milliseconds, of the last look at the mappings. */
  lookedAt: number;
}

/** How long what is mapped is taken to be the same. */
const LOOK_MS = 200;

/** No areas yet; `ownOf` gives what is in a process of ours. */
export function createLocalModules(
  needs: ModuleNeeds,
  ownOf: (pid: number) => readonly OwnModule[],
): LocalModules {
  const views = new Map<number, View>();
  const isNeeded = needsModules(needs.bundle);
  const forget = (pid: number): void => {
    const view = views.get(pid);
    if (view !== undefined) unmapMemory(view.address, view.bytes);
    views.delete(pid);
  };
  const addressOf = (pid: number): number => {
    if (!isNeeded) return 0;
    const now = performance.now();
    const known = views.get(pid);
    if (known !== undefined && now < known.lookedAt + LOOK_MS) return Number(known.address);
    const mappings = readMappings(pid);
    const own = ownOf(pid);
    if (known !== undefined && contentKey(mappings, own) === known.key) {
      known.lookedAt = now;
      return Number(known.address);
    }
    forget(pid);
    const view = viewOf(needs, now, () => readContent(pid, mappings, needs, own));
    if (view === null) return 0;
    views.set(pid, view);
    return Number(view.address);
  };
  return { addressOf, forget };
}

function viewOf(needs: ModuleNeeds, lookedAt: number, read: () => ModuleContent): View | null {
  try {
    const content = read();
    const bytes = moduleAreaBytes(needs, content);
    const { address, buffer } = mapMemory(bytes);
    const area = new Uint8Array(buffer);
    const { writes } = fillModuleArea(Number(address), bytes, content, needs);
    for (const write of writes) area.set(write.bytes, write.address - Number(address));
    return { address, bytes, key: content.key, lookedAt };
  } catch (error) {
    // Another build of a module than the script was compiled for: nothing true can be said of it.
    if (error instanceof TargetError) return null;
    throw error;
  }
}
