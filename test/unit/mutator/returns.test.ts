import { suite } from "uvu";
import * as assert from "uvu/assert";
import { word32 } from "./code.js";
import { add, load, long, move, ret, show } from "./plan-harness.js";

const s = suite("mutator/returns");

s("says that a function never returns", () => {
  const f = { name: "f", bytes: [0xeb, 0xfe] }; // jmp 0
  assert.match(show({ functions: [f], exitsOf: [0] }).join(), /the function never returns/);
});

s("runs entry handlers before exit handlers of a one-instruction function", () => {
  const f = { name: "f", bytes: [ret] };
  assert.equal(show({ functions: [f, long], exitsOf: [0], at: [0] }).slice(1), [
    "probe 0 (flags dead)",
    "probe 100 (flags dead)",
    "0 ret",
  ]);
});

s("runs exit handlers of a conditional tail jump only when it is taken", () => {
  const f = { name: "f", bytes: [...load, 0x74, 0x09, ret] }; // je 16
  const lines = show({ functions: [f, long], exitsOf: [0] });
  assert.ok(lines.includes("defer 100 (flags dead, only if taken)"), lines.join("\n"));
  assert.ok(lines.includes("settle 100 (flags status)"), lines.join("\n"));
});

s("has the caller settle a tail jump that is not followed", () => {
  const through = { name: "f", bytes: [...move, 0xff, 0xe0] }; // jmp rax
  assert.match(show({ functions: [through], exitsOf: [0] }).join(), /defer to caller 100/);
  const f = { name: "f", bytes: [...move, 0xeb, 0x0b] }; // jmp 16
  const tight = { name: "g", bytes: [0x75, 0x01, ret, 0x75, 0xfb] }; // jne 19; ret; jne 16
  const text = show({ functions: [f, tight], exitsOf: [0] }).join();
  assert.match(text, /defer to caller 100/);
  assert.not.match(text, /settle|refused/);
});

s("settles behind direct calls of a function what it leaves to the caller", () => {
  const f = { name: "f", bytes: [...move, 0xff, 0xe0] }; // jmp rax
  const call = [0xe8, ...word32(-21)];
  const g = { name: "g", bytes: [...call, ...load, ret] };
  const lines = show({ functions: [f, g], exitsOf: [0] });
  assert.ok(lines.includes("settle in caller (flags status)"), lines.join("\n"));
});

s("has callers tell of returns where nothing fits an exit", () => {
  const f = { name: "f", bytes: [...add, ...add, ...add, ...add, 0x90, ret, 0xeb, 0xfd] }; // jmp 13
  const call = [0xe8, ...word32(-21)];
  const g = { name: "g", bytes: [...call, ...load, ret] };
  assert.equal(
    show({ functions: [f, g], exitsOf: [0] }).filter((line) => /defer|settle/.test(line)),
    ["defer to caller 100 (flags dead)", "settle in caller (flags status)"],
  );
});

s.run();
