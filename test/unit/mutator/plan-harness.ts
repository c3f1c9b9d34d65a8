/** Plans of small functions, listed and laid out. */
import {
  layPatches,
  type PatchDraft,
  type PatchPlan,
  type PlanOptions,
  type PlanSite,
  planPatches,
} from "../../../shim/mutator/plan.js";
import { showPlan } from "../../../shim/mutator/show-plan.js";
import { returnSite } from "../../../shim/mutator/tails.js";
import { CODE, LOAD_BIAS, type TestFunction, testModule } from "./code.js";

/** Where `lay` puts trampolines, and what they call. */
export const AREA: number = LOAD_BIAS + 0x100000;
/** Bytes of an area before its first trampoline. */
export const HEADER = 32;
export const ENTER = 0x7f0000001000;
/** What plans are made with if a case says nothing else. */
export const OPTIONS: PlanOptions = { allowBreakpoints: false, shadowStacks: false };

/** Functions of a module and what is probed in them. */
export interface Case {
  readonly functions: readonly TestFunction[];
  /** Offsets from CODE. */
  readonly at?: readonly number[];
  readonly exitsOf?: readonly number[];
  readonly data?: readonly number[];
  readonly pointers?: readonly number[];
  readonly returns?: readonly number[];
  readonly taken?: readonly number[];
  readonly options?: Partial<PlanOptions>;
}

/** Regions of a case. */
export function draft(input: Case): PatchDraft {
  const { functions, at, exitsOf, data, pointers, returns = [], taken, options } = input;
  const site =
    (place: PlanSite["place"]) =>
    (offset: number, i: number): PlanSite => ({
      probe: i + (place === "exits" ? 100 : 0),
      address: CODE + offset,
      place,
      symbol: "f",
      floats: false,
      clobbers: null,
      semaphore: 0,
    });
  const sites = [...(at ?? []).map(site("instruction")), ...(exitsOf ?? []).map(site("exits"))];
  const code = { ...testModule(functions, data), codePointers: pointers ?? [] };
  sites.push(...returns.map((offset) => returnSite(CODE + offset)));
  const used = taken === undefined ? {} : { taken: new Set(taken.map((offset) => CODE + offset)) };
  return planPatches([{ code, sites, ...used }], { ...OPTIONS, ...options });
}

/** Listing without module line, addresses as offsets from CODE. */
export function show(input: Case): string[] {
  return showPlan(draft(input))
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("module"))
    .map((line) =>
      line
        .replaceAll(/, trampoline \+0x[0-9a-f]+/g, "")
        .replaceAll(/0x([0-9a-f]{4})\b/g, (_, digits) => `${Number.parseInt(digits, 16) - CODE}`)
        .trim(),
    );
}

/** Bytes of a case. */
export function lay(input: Case): PatchPlan {
  return layPatches(draft(input), {
    areas: [AREA],
    enter: ENTER,
    entryOf: (p) => 0x5000 + p,
    describesCode: false,
  });
}

/** Instructions, and a function of them. */
export const push = 0x55; // push rbp
export const ret = 0xc3;
export const move: readonly number[] = [0x48, 0x89, 0xe5]; // mov rbp, rsp
export const add: readonly number[] = [0x83, 0xc0, 0x01]; // add eax, 1
export const load: readonly number[] = [0xb8, 1, 0, 0, 0]; // mov eax, 1
export const long: TestFunction = { name: "f", bytes: [push, ...move, ...load, ...load, ret] };
