/** Which values are functions of the bundle: long ones, found by several expressions. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sharedLocations } from "../../../compiler/lower/shared-location.js";
import { constant, type Location } from "../../../compiler/types/location.js";

const s = suite("lower/shared-location");

const REGISTER: Location = { kind: "register", register: 7, bytes: 8, shift: 0, signed: false };

/** `last` unless register 7 is one of `count` numbers. */
function choice(count: number, last: Location): Location {
  return Array.from({ length: count }).reduce<Location>(
    (alternate, _, index) => ({
      kind: "select",
      condition: { kind: "equal", left: REGISTER, right: constant(index) },
      consequent: constant(100 + index),
      alternate,
    }),
    last,
  );
}

function text(value: Location): Location {
  return { kind: "format", pieces: [{ value, conversion: "x" }], onFault: "?" };
}

s("a long choice that several texts show is one, whole", () => {
  const long = choice(20, constant(0));
  const shared = sharedLocations([text(long), text({ kind: "add", left: long, right: REGISTER })]);
  assert.ok(shared.has(long));
  assert.ok(long.kind === "select" && !shared.has(long.alternate));
});

s("so is one in a text that is part of several", () => {
  const long = choice(20, constant(0));
  const nested = text(long);
  const around = (): Location => ({ kind: "format", pieces: [{ nested }], onFault: null });
  assert.ok(sharedLocations([around(), around()]).has(long));
});

s("short ones, and those found once, are not", () => {
  const short = choice(3, constant(0));
  const long = choice(20, constant(0));
  const shared = sharedLocations([text(short), text(short), text(long)]);
  assert.not.ok(shared.has(short));
  assert.not.ok(shared.has(long));
});

s("nor is what depends on the expression or on the place of the probe", () => {
  const ends: readonly Location[] = [
    { kind: "operand", index: 0 },
    { kind: "module-address", address: 1n, module: null },
  ];
  for (const end of ends) {
    const long = choice(20, end);
    assert.not.ok(sharedLocations([text(long), text(long)]).has(long), end.kind);
  }
});

s.run();
