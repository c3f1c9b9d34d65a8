/** Static probe marks of an ELF file, of every version of <sys/sdt.h>, where code can be probed. */
import { type ElfImage, isWritableAddress } from "./image.js";
import { readSdtNotes, type SdtMark } from "./notes.js";
import { readProbesSection } from "./probes-section.js";

/**
 * All marks: those of notes in file order, then those of section `.probes`. One with a semaphore
 * that is no data is damaged: to raise it would change code.
 */
export function readMarks(image: ElfImage): SdtMark[] {
  return [...readSdtNotes(image), ...readProbesSection(image)].filter(
    ({ semaphore }) => semaphore === 0 || isWritableAddress(image, semaphore),
  );
}
