/**
 * Memory of objects in embedded code: they are taken one after the other from an arena of the
 * thread, which is empty again at each call of an embedded block. Nothing is freed before.
 * Stands in for `rt/stub` of the AssemblyScript library and has the same exports.
 *
 *   an object   u32 unused, u32 unused, u32 class, u32 bytes; its address is that of what follows
 *   the arena   u32 address of its first free byte, u32 rounds left for loops, padded to 16; objects
 */

@external("wastap", "arena") declare function arena(): usize;
@external("wastap", "arena_bytes") declare function arenaBytes(): usize;
@external("wastap", "context") declare function context(): usize;
@external("lib", "error") declare function raise(context: usize, text: usize): void;

const HEADER: usize = 16;
const OUT_OF_MEMORY = memory.data<u8>([
  // "embedded code is out of memory"
  0x65, 0x6d, 0x62, 0x65, 0x64, 0x64, 0x65, 0x64, 0x20, 0x63, 0x6f, 0x64, 0x65, 0x20, 0x69, 0x73,
  0x20, 0x6f, 0x75, 0x74, 0x20, 0x6f, 0x66, 0x20, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0,
]);

@unsafe @global
export function __alloc(size: usize): usize {
  const top = load<usize>(arena());
  const end = arena() + arenaBytes();
  if (size > end - top) {
    raise(context(), OUT_OF_MEMORY);
    return 0;
  }
  store<usize>(arena(), min((top + size + 15) & ~15, end));
  return top;
}

@unsafe @global
export function __realloc(from: usize, size: usize): usize {
  const to = __alloc(size);
  memory.copy(to, from, size);
  return to;
}

@unsafe @global
export function __free(_address: usize): void {}

@unsafe @global
export function __new(size: usize, id: u32): usize {
  const object = __alloc(HEADER + size) + HEADER;
  store<u64>(object - 16, 0);
  store<u32>(object - 8, id);
  store<u32>(object - 4, <u32>size);
  memory.fill(object, 0, size);
  return object;
}

@unsafe @global
export function __renew(object: usize, size: usize): usize {
  const grown = __new(size, load<u32>(object - 8));
  memory.copy(grown, object, min<usize>(size, load<u32>(object - 4)));
  return grown;
}

@unsafe @global
export function __link(_parent: usize, _child: usize, _many: bool): void {}

@unsafe @global
export function __pin(object: usize): usize {
  return object;
}

@unsafe @global
export function __unpin(_object: usize): void {}

@unsafe @global
function __visit(_object: usize, _cookie: u32): void {}

@unsafe @global
export function __collect(): void {}
