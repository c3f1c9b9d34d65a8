import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findGap, mappedFiles, parseMaps } from "../../../shim/mutator/maps.js";

const TEXT = `00400000-00401000 r--p 00000000 fd:01 1234 /usr/bin/a b
00401000-00402000 r-xp 00001000 fd:01 1234 /usr/bin/a b
00800000-00900000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0000001000 r-xp 00000000 fd:01 99 /tmp/x\\012y (deleted)
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]
`;

const s = suite("mutator/maps");

s("reads every field, also paths with spaces and newlines", () => {
  const [first, second, heap, library] = parseMaps(TEXT);
  assert.is(first?.path, "/usr/bin/a b");
  assert.is(second?.start, 0x401000);
  assert.is(second?.executable, true);
  assert.is(second?.offset, 0x1000);
  assert.is(heap?.inode, 0);
  assert.is(library?.path, "/tmp/x\ny (deleted)");
});

s("puts the mappings of a file together", () => {
  assert.equal(
    mappedFiles(parseMaps(TEXT)).map((file) => [file.inode, file.mappings.length]),
    [
      [1234, 2],
      [99, 1],
    ],
  );
});

s("finds the nearest gap within bounds", () => {
  const maps = parseMaps(TEXT);
  assert.is(findGap(maps, 0x1000, { lowest: 0, highest: 0x7fff0000, near: 0x3fe000 }), 0x3fe000);
  const above = findGap(maps, 0x800000, { lowest: 0, highest: 0x7fff0000, near: 0x3fe000 });
  assert.is(above, 0x900000 + 0x40000000);
});

s("leaves room for heap and stack to grow", () => {
  const maps = parseMaps(TEXT);
  const bounds = { lowest: 0x7ffc00000000, highest: 0x7ffd00000000, near: 0x7ffcfffff000 };
  const gap = findGap(maps, 0x1000, bounds) ?? 0;
  assert.ok(gap + 0x1000 <= 0x7ffd00000000 - 0x10000000);
  assert.is(findGap(maps, 0x1000, { lowest: 0x900000, highest: 0xa00000, near: 0x900000 }), null);
});

s("finds no gap above user space, where kernels show a page of theirs", () => {
  const stack = "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n";
  const kernel = "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";
  const maps = parseMaps(TEXT + stack + kernel);
  const bounds = { lowest: 0x7fff70000000, highest: 0x800070000000, near: 0x7ffffff00000 };
  const gap = findGap(maps, 0x1000, bounds) ?? 0;
  assert.ok(gap + 0x1000 <= 0x7ffffffde000 - 0x10000000, gap.toString(16));
});

s.run();
