/** SESSION.state in shared memory: read and written by the mutator and by every handler. */
import { SESSION } from "../wasm-runtime/layout/memory.js";

/** The state of a session. */
export interface SessionState {
  get(): number;
  set(value: number): void;
}

/** The state in linear memory `memory`. */
export function sessionState(memory: Uint8Array): SessionState {
  const words = new Int32Array(memory.buffer, memory.byteOffset + SESSION.address, 1);
  return {
    get: () => Atomics.load(words, 0),
    set: (value) => Atomics.store(words, 0, value),
  };
}
