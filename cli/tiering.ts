/**
 * When V8 optimizes what runs often (its flag --interrupt-budget). Compiling a script takes a
 * fraction of a second, in which the machine code that TurboFan makes of the compiler is hardly
 * used before that is over; making it took two thirds of the processor time (RATIONALE).
 */
import { setFlagsFromString } from "node:v8";

/** Bytes of bytecode that a function runs before V8 looks at it; the default is 67,584. */
const LATE = 2_000_000;

/** Makes V8 optimize only what runs really long. */
export function optimizeLate(): void {
  setFlagsFromString(`--interrupt-budget=${LATE}`);
}
