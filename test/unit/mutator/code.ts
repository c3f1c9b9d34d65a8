/** Small modules for planning tests, made of byte arrays. */
import type { ModuleCode } from "../../../shim/mutator/functions.js";

/** A function of a test module. */
export interface TestFunction {
  readonly name: string;
  readonly bytes: readonly number[];
  readonly isPart?: boolean;
}

/** First address of code and of data in test modules. */
export const CODE = 0x1000;
export const DATA = 0x8000;
export const LOAD_BIAS = 0x550000000000;

/** A module with one function after the other, each aligned to 16 with int3 between. */
export function testModule(
  functions: readonly TestFunction[],
  data: readonly number[] = [],
): ModuleCode {
  const bytes: number[] = [];
  const ranges = functions.map(({ name, bytes: body, isPart }) => {
    while (bytes.length % 16 !== 0) bytes.push(0xcc);
    const address = CODE + bytes.length;
    bytes.push(...body);
    return { address, size: body.length, name, isPart: isPart ?? false };
  });
  return {
    path: "/bin/test",
    loadBias: LOAD_BIAS,
    code: [{ address: CODE, bytes: Uint8Array.from(bytes) }],
    data: [{ address: DATA, bytes: Uint8Array.from(data) }],
    functions: ranges,
    codePointers: [],
  };
}

/** Little-endian bytes of a 32-bit value. */
export function word32(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
}
