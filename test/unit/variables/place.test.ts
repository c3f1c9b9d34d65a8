/** Numbers and bit fields read from every kind of place, against the bits that are there. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { constant } from "../../../compiler/types/location.js";
import {
  addressOf,
  type ObjectPlace,
  partOf,
  readBitField,
  readNumber,
} from "../../../compiler/variables/place.js";
import { type Machine, worth } from "./model.js";

const s = suite("variables/place");

const MEMORY = Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 41) & 0xff);
const MACHINE: Machine = {
  registers: Array.from({ length: 17 }, (_, i) => bitsOf(MEMORY, 64 * (i % 8), 64)),
  memory: MEMORY,
};

function bitsOf(bytes: Uint8Array, start: number, size: number): bigint {
  const whole = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return BigInt.asUintN(size, whole >> BigInt(start));
}

/** Places of the 8 bytes that are also at address 8. */
const PLACES: readonly ObjectPlace[] = [
  { kind: "memory", address: constant(8) },
  { kind: "register", register: 1, offset: 0 },
  { kind: "value", value: constant(bitsOf(MEMORY, 64, 64)), offset: 0 },
  { kind: "bytes", bytes: MEMORY.subarray(8, 16), offset: 0 },
  {
    kind: "pieces",
    offset: 0,
    pieces: [
      { start: 0, size: 24, shift: 0, place: { kind: "memory", address: constant(8) } },
      { start: 24, size: 5, shift: 24, place: { kind: "register", register: 1, offset: 0 } },
      {
        start: 29,
        size: 35,
        shift: 13,
        place: { kind: "bytes", bytes: MEMORY.subarray(8), offset: 2 },
      },
    ],
  },
];

for (const place of PLACES) {
  s(`numbers in ${place.kind}`, () => {
    for (let offset = 0; offset < 8; offset++) {
      for (let bytes = 1; offset + bytes <= 8; bytes++) {
        const expected = bitsOf(MEMORY, 64 + 8 * offset, 8 * bytes);
        const part = partOf(place, offset);
        const unsigned = readNumber(part, { bytes, signed: false });
        assert.is(worth(unsigned, MACHINE), BigInt.asIntN(64, expected), `${offset} ${bytes}`);
        const signed = readNumber(part, { bytes, signed: true });
        assert.is(worth(signed, MACHINE), BigInt.asIntN(8 * bytes, expected));
      }
    }
  });

  s(`bit fields in ${place.kind}`, () => {
    for (const [shift, size] of [
      [0, 1],
      [3, 7],
      [13, 19],
      [31, 2],
      [5, 58],
    ] as const) {
      const field = { shift, size, bytes: 8 };
      const expected = bitsOf(MEMORY, 64 + shift, size);
      assert.is(worth(readBitField(place, field, false), MACHINE), expected);
      const signed = worth(readBitField(place, field, true), MACHINE);
      assert.is(signed, BigInt.asIntN(size, expected));
    }
  });
}

s("only memory has addresses", () => {
  for (const place of PLACES) {
    if (place.kind === "memory") assert.equal(addressOf(partOf(place, 3)), constant(11));
    else assert.throws(() => addressOf(place), /cannot take address of/);
  }
});

s("what is not there cannot be read", () => {
  const read = (place: ObjectPlace, bytes: number): unknown =>
    readNumber(place, { bytes, signed: false });
  const memory: ObjectPlace = { kind: "memory", address: constant(0) };
  assert.throws(() => read({ kind: "missing", reason: "gone" }, 4), /gone/);
  assert.throws(() => read(memory, 16), /cannot process >64-bit values/);
  assert.throws(() => read(memory, 0), /unknown size/);
  assert.throws(() => read({ kind: "register", register: 40, offset: 0 }, 8), /not supported yet/);
  const place: ObjectPlace = { kind: "missing", reason: "only partly available" };
  const pieces = [{ start: 0, size: 32, shift: 0, place }];
  assert.throws(() => read({ kind: "pieces", pieces, offset: 0 }, 4), /only partly available/);
  assert.throws(() => read({ kind: "pieces", pieces, offset: 4 }, 4), /only partly available/);
  const short = [{ start: 0, size: 16, shift: 0, place: memory }];
  assert.throws(() => read({ kind: "pieces", pieces: short, offset: 0 }, 4), /only partly/);
});

s("bit fields are read where other bits of their container are not there", () => {
  const gone: ObjectPlace = { kind: "missing", reason: "only partly available" };
  const pieces = [
    { start: 0, size: 5, shift: 3, place: { kind: "memory", address: constant(8) } },
    { start: 5, size: 27, shift: 0, place: gone },
  ] as const;
  const place: ObjectPlace = { kind: "pieces", pieces, offset: 0 };
  const field = readBitField(place, { shift: 0, size: 5, bytes: 4 }, false);
  assert.is(worth(field, MACHINE), bitsOf(MEMORY, 64 + 3, 5));
  assert.throws(() => readBitField(place, { shift: 4, size: 2, bytes: 4 }, false), /only partly/);
});

s.run();
