/**
 * Instance data: what compiled modules keep outside linear memory, reached through
 * VM_CONTEXT.instance. Bundles and the library need none; test modules use all of it.
 *
 *   0          u64 address of the memory object
 *   8 …        per module: globals, cells, tables, imported functions (8 bytes each), segments (16),
 *              descriptors (24), as the linker placed them
 *
 * Objects outside, made by instance.ts and read by compiled code and code.cc:
 *   memory     { u64 base, u64 size, u64 maximum pages, u64 shared }
 *   table      { u64 address of elements, u64 size }; an element is a reference
 *   segment    { u64 address, u64 size }, size 0 once dropped
 *   descriptor { u64 code, u64 instance, u64 signature }; a function reference is its address
 */

/** Bytes in front of the modules' parts. */
export const INSTANCE_HEADER_BYTES = 8;
/** Offset of a descriptor's fields. */
export const DESCRIPTOR = { code: 0, instance: 8, signature: 16, bytes: 24 } as const;
/** Offsets of a memory object's fields. */
export const MEMORY_OBJECT = { base: 0, size: 8, maximumPages: 16, shared: 24, bytes: 32 } as const;
/** Offsets of a table object's fields. */
export const TABLE_OBJECT = { elements: 0, size: 8, bytes: 16 } as const;
/** Bytes of a segment. */
export const SEGMENT_BYTES = 16;

/** C functions of code.cc, which follow the host functions in the table of function pointers. */
export const RUNTIME_FUNCTIONS = [
  "memory_grow",
  "memory_init",
  "table_init",
  "table_copy",
  "wait32",
  "wait64",
  "notify",
] as const;

/** Name of a runtime function. */
export type RuntimeFunction = (typeof RUNTIME_FUNCTIONS)[number];
