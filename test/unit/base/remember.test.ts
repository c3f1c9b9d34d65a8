/** base/remember.ts: answers are kept, refusals too. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { once, remember } from "../../../base/remember.js";

const s = suite("base/remember");

s("each key is asked for once, undefined and null included", () => {
  const asked: unknown[] = [];
  const find = remember((key: string | null | undefined) => {
    asked.push(key);
    return key === "absent" ? undefined : { key };
  });
  for (const key of ["a", "b", "absent", null, undefined]) assert.is(find(key), find(key));
  assert.equal(asked, ["a", "b", "absent", null, undefined]);
});

s("what is thrown is thrown again", () => {
  let calls = 0;
  const fail = once((): number => {
    calls++;
    throw new Error("not there");
  });
  assert.throws(fail, "not there");
  assert.throws(fail, "not there");
  assert.is(calls, 1);
});

s.run();
