import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseElf } from "../../../base/elf/image.js";
import { inUndoOrder } from "../../../shim/mutator/apply.js";
import { layPatches, type PlannedModule, planPatches } from "../../../shim/mutator/plan.js";
import { showPlan } from "../../../shim/mutator/show-plan.js";
import { CODE, DATA, LOAD_BIAS, type TestFunction, testModule, word32 } from "./code.js";

import {
  AREA,
  add,
  type Case,
  draft,
  ENTER,
  HEADER,
  lay,
  load,
  long,
  move,
  OPTIONS,
  push,
  ret,
  show,
} from "./plan-harness.js";

const s = suite("mutator/plan");

s("overwrites whole instructions from the site on", () => {
  assert.equal(show({ functions: [long], at: [0] }), [
    "0-9 plain in f",
    "probe 0 (flags dead)",
    "0 push rbp",
    "1 mov rbp,rsp",
    "4 mov eax,1",
  ]);
});

s("calls several probes of one place in their order", () => {
  assert.equal(show({ functions: [long], at: [4, 4] }), [
    "4-9 plain in f",
    "probe 0, 1 (flags status)",
    "4 mov eax,1",
  ]);
});

s("gives places inside a region their own call", () => {
  assert.equal(show({ functions: [long], at: [0, 1, 4] }), [
    "0-9 plain in f",
    "probe 0 (flags dead)",
    "0 push rbp",
    "probe 1 (flags status)",
    "1 mov rbp,rsp",
    "probe 2 (flags status)",
    "4 mov eax,1",
  ]);
});

s("uses the filler behind a function", () => {
  const functions = [{ name: "f", bytes: [...load, ret] }, long];
  assert.equal(show({ functions, at: [5] }), [
    "5-10 padding in f",
    "probe 0 (flags status)",
    "5 ret",
  ]);
});

s("does not run over the next function", () => {
  const f: TestFunction = { name: "f", bytes: [...load, ...load, ...load, ret] }; // 16 bytes
  assert.equal(show({ functions: [f, long], at: [15] }), [
    "10-16 backward in f",
    "10 mov eax,1",
    "probe 0 (flags status)",
    "15 ret",
  ]);
});

s("refuses what is jumped into, and says what is near", () => {
  const f: TestFunction = {
    name: "f",
    bytes: [
      push, // 0
      ...move, // 1
      ...load, // 4
      ...[0xeb, 0xf6], // 9: jmp 1
    ],
  };
  assert.equal(show({ functions: [f], at: [0] }), [
    "refused /bin/test f 0, probe 0: the code behind it is jumped to; --allow-breakpoints puts an int3 there; 1 can be probed",
  ]);
});

s("knows jumps from other functions, tables and pointers", () => {
  const far: TestFunction = {
    name: "far",
    bytes: [0x0f, 0x84, ...word32(1 - 22)], // je 1, at 16
  };
  const reason = /^refused .* the code behind it is jumped to/;
  assert.match(show({ functions: [long, far], at: [0] }).join(), reason);
  assert.match(show({ functions: [long], at: [0], pointers: [CODE + 1] }).join(), reason);
  const table: TestFunction = {
    name: "f",
    bytes: [
      ...[0x48, 0x8d, 0x15, ...word32(DATA - CODE - 7)], // 0: lea rdx, [rip+DATA]
      ...[0x48, 0x63, 0x04, 0x82], // 7: movsxd rax, [rdx+rax*4]
      ...[0x48, 0x01, 0xd0], // 11: add rax, rdx
      ...[0xff, 0xe0], // 14: jmp rax
      ...move, // 16
      ...move, // 19
    ],
  };
  const data = word32(CODE + 19 - DATA);
  assert.match(show({ functions: [table], at: [16], data }).join(), /16-19 island/);
  assert.match(show({ functions: [table], at: [16] }).join(), /^16-22 plain/);
});

s("keeps landing marks at the start of a region", () => {
  const bytes = [push, 0xf3, 0x0f, 0x1e, 0xfa, ...load]; // endbr64 at 1
  assert.match(show({ functions: [{ name: "f", bytes }], at: [0] }).join(), /jumped to/);
});

s("ends a region with a call", () => {
  const bytes = [push, 0xff, 0xd0, ...load, ret]; // call rax at 1
  assert.match(show({ functions: [{ name: "f", bytes }], at: [0] }).join(), /too few bytes/);
  const direct = [push, 0xe8, ...word32(0x100), ret]; // call at 1
  assert.match(show({ functions: [{ name: "f", bytes: direct }], at: [0] }).join(), /^0-6 plain/);
  const shadow = {
    functions: [{ name: "f", bytes: direct }],
    at: [0],
    options: { shadowStacks: true },
  };
  assert.match(show(shadow).join(), /^refused .* shadow stacks/);
});

s("hops to filler when only a short jump fits", () => {
  const f = { name: "f", bytes: [...[0x31, 0xc0], ...[0x75, 0xfe], ret] }; // xor; jne 2; ret
  assert.equal(show({ functions: [f, long], at: [0] }), [
    "0-2 island at 5 in f",
    "probe 0 (flags dead)",
    "0 xor eax,eax",
  ]);
});

s("moves the jumps into a region that is entered in its middle", () => {
  const f: TestFunction = {
    name: "f",
    bytes: [
      ...[0x0f, 0x84, ...word32(9)], // 0: je 15
      ...[...add, ...add, ...add], // 6, 9, 12
      ret, // 15
    ],
  };
  const input: Case = { functions: [f, long], exitsOf: [0] };
  assert.equal(show(input), [
    "0-6 plain in f",
    "0 je near ptr 000000000000100Fh",
    "9-16 backward in f",
    "9 add eax,1",
    "12 add eax,1",
    "probe 100 (flags status)",
    "15 ret",
  ]);
  const [jump, entered] = lay(input).regions;
  const copy = entered?.moves.find(({ from }) => from === LOAD_BIAS + CODE + 15)?.to ?? 0;
  const bytes = lay(input).areas[0]?.bytes ?? new Uint8Array();
  const at = (jump?.trampoline ?? 0) - AREA;
  const displacement = new DataView(bytes.buffer).getInt32(at + 2, true);
  assert.is((jump?.trampoline ?? 0) + 6 + displacement, copy);
});

s("enters no region where something is patched already, however far", () => {
  const f: TestFunction = {
    name: "f",
    bytes: [...[0x0f, 0x84, ...word32(9)], ...[...add, ...add, ...add], ret], // 0: je 15
  };
  const shown = (taken?: readonly number[]): string =>
    show({ functions: [f, long], at: [15], ...(taken === undefined ? {} : { taken }) }).join();
  assert.match(shown(), /9-16 backward in f/);
  assert.match(shown([]), /^refused/);
});

s("moves jumps from behind first, and restores them last", () => {
  const f: TestFunction = {
    name: "f",
    bytes: [
      ...[0x90, 0x66, 0x83, 0x3a, 0x00], // 0: nop, 1: cmp word [rdx], 0
      ...[0x75, 0x05], // 5: jne 12
      ...[...add, 0xeb, 0xf5], // 7, 10: jmp 1
      ...[...load, ret], // 12
    ],
  };
  const input: Case = { functions: [f, long], at: [0] };
  assert.equal(show(input), [
    "7-12 backward in f",
    "7 add eax,1",
    "10 jmp short 0000000000001001h",
    "0-5 plain in f",
    "probe 0 (flags dead)",
    "0 nop",
    "1 cmp word ptr [rdx],0",
  ]);
  const [area] = lay(input).areas;
  const header = new BigUint64Array(area?.bytes.buffer ?? new ArrayBuffer(0), 0, 5);
  assert.is(header[3], 1n);
  assert.is(header[4], BigInt(LOAD_BIAS + CODE));
});

s("leaves alone what is entered otherwise than by jumps of the function that can be moved", () => {
  const crowded: TestFunction = {
    name: "f",
    bytes: [...[...add, ...add, ...add, ...add], 0x90, ret, ...[0xeb, 0xfd]], // 14: jmp 13
  };
  assert.match(show({ functions: [crowded, long], at: [13] }).join(), /^refused/);
  const pointed: TestFunction = { name: "f", bytes: [...add, ...add, ...add, ...add, ...add, ret] };
  const pointers = [CODE + 15];
  assert.match(show({ functions: [pointed, long], at: [15], pointers }).join(), /^refused/);
});

s("finds a host in another function", () => {
  const f: TestFunction = { name: "f", bytes: [...load, ...load, ...load, ret] };
  const call = [0xe8, ...word32(0x100)];
  const g: TestFunction = { name: "g", bytes: [...call, 0x66, 0x90, ...call, ...add, ret] };
  const input: Case = { functions: [f, g, long], at: [28] };
  assert.equal(show(input), [
    "32-46 plain in f",
    "32 push rbp",
    "33 mov rbp,rsp",
    "36 mov eax,1",
    "41 mov eax,1",
    "28-31 island at 37 in a host in g",
    "probe 0 (flags dead)",
    "28 add eax,1",
  ]);
  const { regions } = lay(input);
  const originals = regions.flatMap(({ writes }) => writes.map(({ original }) => [...original]));
  const start = [push, ...move, 0xb8];
  assert.equal(originals, [start, start, [...load.slice(1), 0xb8], add.slice(0, 2)]);
});

s("takes no number for a jump into an instruction", () => {
  // 0 and 16 in f: bytes that look like a jump to 7, inside the second mov
  const f: TestFunction = {
    name: "f",
    bytes: [...load, ...load, 0x48, 0xb8, 0xe9, ...word32(7 - 17), 0, 0, 0, ret],
  };
  assert.match(show({ functions: [f], at: [5] }).join(), /^5-10 plain/);
});

s("hops to a host where there is no filler", () => {
  // push; mov | a table leads to 4: two movs of ten bytes there can make room
  assert.equal(show({ functions: [long], at: [0], pointers: [CODE + 4] }), [
    "4-14 plain in f",
    "4 mov eax,1",
    "9 mov eax,1",
    "0-4 island at 9 in a host in f",
    "probe 0 (flags dead)",
    "0 push rbp",
    "1 mov rbp,rsp",
  ]);
  const plan = lay({ functions: [long], at: [0, 4], pointers: [CODE + 4] });
  assert.equal(
    plan.regions.map((r) => r.writes.map((w) => w.address - LOAD_BIAS - CODE)),
    [[4], [4, 9, 0]],
  );
  assert.equal(
    plan.regions.map((r) => r.probes),
    [[1], [0]],
  );
});

s("moves the hop of a return before the instruction that a call returns to", () => {
  // call 0; pop rbx; ret; nop
  const call = [0xe8, ...word32(-13)];
  const f = { name: "f", bytes: [...load, 0x48, 0x89, 0xe5, ...call, 0x5b, ret] };
  const hop = "13-15 island at 5 in a host in f";
  const listed = show({ functions: [f, long], exitsOf: [0], returns: [13] });
  const from = listed.indexOf(hop);
  assert.equal(listed.slice(from, from + 5), [
    hop,
    "settle in caller (flags status)",
    "13 pop rbx",
    "probe 100 (flags status)",
    "14 ret",
  ]);
});

s("puts a breakpoint only where it is allowed to", () => {
  const f: TestFunction = { name: "f", bytes: [push, ...[0x75, 0xfe], ...load, ...load, ret] }; // jne 1
  const pointers = [CODE + 1];
  const refused = /^refused .* jumped to/;
  assert.match(show({ functions: [f], at: [0], pointers }).join(), refused);
  const options = { allowBreakpoints: true };
  assert.equal(show({ functions: [f], at: [0], pointers, options }), [
    "0-1 breakpoint in f",
    "probe 0 (flags dead)",
    "0 push rbp",
  ]);
});

s("refuses places that are no instruction and functions that must stay", () => {
  assert.match(show({ functions: [long], at: [2] }).join(), /no instruction starts there/);
  const restore = { name: "__restore_rt", bytes: [0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05] };
  assert.match(show({ functions: [restore], at: [0] }).join(), /must not change/);
});

s("leaves bytes alone that are in use already", () => {
  const shown = (taken: readonly number[]): string =>
    show({ functions: [long], returns: [9], taken }).join();
  assert.match(shown([8, 15]), /9-14 plain in f,settle in caller/);
  assert.match(shown([13]), /refused .*too close to another site/);
});

s("saves all flags where the direction flag may be set", () => {
  const f = { name: "f", bytes: [0xfd, ...load, 0xfc, ret] }; // std … cld
  assert.match(show({ functions: [f], at: [1] }).join(), /flags all/);
});

s("plans sites in code without symbols", () => {
  const code = { ...testModule([long]), functions: [] };
  const site = {
    probe: 0,
    address: CODE + 4,
    place: "instruction",
    symbol: "",
    floats: false,
    clobbers: null,
    semaphore: 0,
  } as const;
  const plan = showPlan(planPatches([{ code, sites: [site] }], OPTIONS));
  assert.match(plan, /plain, trampoline \+0x20\n {4}probe 0 \(flags all\)/);
});

s("plans for a file once, wherever it is mapped", () => {
  const image = parseElf(readFileSync(process.execPath), process.execPath);
  const site = { probe: 0, address: CODE, place: "instruction", symbol: "f" } as const;
  const marked = { ...site, floats: false, clobbers: null, semaphore: DATA };
  const planned = (loadBias: number, probe: number): PlannedModule | undefined => {
    const code = { ...testModule([long]), loadBias };
    return planPatches([{ code, image, sites: [{ ...marked, probe }] }], OPTIONS).modules[0];
  };
  const [first, second, other] = [planned(0x10000, 3), planned(0x50000, 3), planned(0x10000, 4)];
  assert.is(second?.regions, first?.regions);
  assert.equal(first?.semaphores, [DATA + 0x10000]);
  assert.equal(second?.semaphores, [DATA + 0x50000]);
  assert.is((second?.highest ?? 0) - (first?.highest ?? 0), 0x40000);
  assert.equal(other?.regions[0]?.shape.calls[0]?.probes, [4]);
});

s("gives bytes, moves and leaves in the address space of the process", () => {
  const plan = lay({ functions: [long], at: [0, 4] });
  const [region] = plan.regions;
  assert.ok(region);
  const start = LOAD_BIAS + CODE;
  const [write] = region.writes;
  assert.is(region.start, start);
  assert.is(region.trampoline, AREA + HEADER);
  assert.equal([...(write?.original ?? [])], [push, ...move, 0xb8]);
  assert.equal([...(write?.patch ?? [])], [0xe9, ...word32(AREA + HEADER - (start + 5))]);
  assert.equal(
    region.moves.map((move) => move.from - start),
    [1, 4],
  );
  assert.equal(
    region.leaves.map((leave) => leave.to - start),
    [0, 1, 4],
  );
  const [before, after] = [region.moves[1], region.leaves[2]];
  assert.ok(before && after && before.to < after.from, "a probe call lies between");
  assert.equal(region.probes, [0, 1]);
  const [area] = plan.areas;
  assert.ok(area);
  assert.is(new DataView(area.bytes.buffer).getBigUint64(0, true), BigInt(ENTER));
  assert.ok(region.trampolineEnd <= area.address + area.bytes.length);
});

s("keeps a jump within one page if it can begin elsewhere", () => {
  const loads = new Array<readonly number[]>(818).fill(load).flat(); // 4090 bytes
  const f = { name: "f", bytes: [...loads, push, push, ...move, ...load, ret] };
  assert.is(CODE % 4096, 0);
  assert.equal(show({ functions: [f], at: [4092] })[0], "4091-4100 backward in f");
});

s(
  "restores what is entered first, then short jumps, islands, then the jumps in front of them",
  () => {
    const bytes = (length: number) => new Uint8Array(length);
    const writes = [
      { address: 100, bytes: bytes(5) },
      { address: 105, bytes: bytes(5) },
      { address: 110, bytes: bytes(5) },
      { address: 90, bytes: bytes(2) },
      { address: 130, bytes: bytes(1) },
      { address: 70, bytes: bytes(5) },
    ];
    assert.equal(
      inUndoOrder(writes, new Set([70])).map(({ address }) => address),
      [70, 130, 90, 110, 105, 100],
    );
  },
);

s("writes the island before the hop to it", () => {
  const f = { name: "f", bytes: [...[0x31, 0xc0], ...[0x75, 0xfe], ret] };
  const [region] = lay({ functions: [f, long], at: [0] }).regions;
  assert.equal(
    region?.writes.map((w) => w.address - LOAD_BIAS - CODE),
    [5, 0],
  );
  assert.equal([...(region?.writes[1]?.patch ?? [])], [0xeb, 3]); // jmp 5
});

s("asks for an area in reach of the module", () => {
  const [module] = draft({ functions: [long], at: [0] }).modules;
  assert.ok(module);
  assert.ok(module.lowest < LOAD_BIAS && module.highest > LOAD_BIAS);
  assert.is(module.lowest % 4096, 0);
  assert.is(draft({ functions: [long] }).modules[0]?.areaBytes, 0);
  const far = {
    areas: [module.highest + 4096],
    enter: ENTER,
    entryOf: () => 0,
    describesCode: false,
  };
  assert.throws(() => layPatches(draft({ functions: [long], at: [0] }), far), /out of reach/);
});

s.run();
