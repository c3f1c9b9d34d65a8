/**
 * The thread-local block of a program (TLS variant II: SysV AMD64 ABI §3.4.2; Drepper, ELF Handling
 * For Thread-Local Storage §4.4.6).
 */
import { type ElfImage, SEGMENT } from "./image.js";

/** How far below the thread pointer the block of a program begins; null if there is none. */
export function threadLocalBytes({ segments }: ElfImage): number | null {
  const segment = segments.find(({ type }) => type === SEGMENT.tls);
  if (segment === undefined) return null;
  const alignment = Math.max(segment.alignment, 1);
  return Math.ceil(segment.memorySize / alignment) * alignment;
}
