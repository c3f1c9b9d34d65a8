/** Descriptors lent to a user; only root can. */
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lendDescriptor } from "../../../shim/mutator/lend.js";

const s = suite("unit/mutator/lend");
const root = process.geteuid?.() === 0;
if (!root) process.stdout.write("skipped: not root\n");
const test = root ? s : s.skip;
const HERE = new URL(import.meta.url).pathname;

/** Lends this file to the user of this process; gives its path and the directory of the holder. */
async function lendThis(): Promise<{ path: string; holder: string; end: () => Promise<void> }> {
  const descriptor = openSync(HERE, "r");
  try {
    const loan = await lendDescriptor(process.pid, descriptor);
    if (loan === null) throw new Error("nothing was lent");
    const { path, end } = loan;
    return { path, holder: path.replace(/\/fd\/\d+$/, ""), end };
  } finally {
    closeSync(descriptor);
  }
}

test("can be opened until it is ended, and tells nothing of our environment", async () => {
  const { path, holder, end } = await lendThis();
  assert.equal(readFileSync(path), readFileSync(HERE));
  assert.is(readFileSync(`${holder}/environ`, "utf8"), "");
  await end();
  assert.not(existsSync(holder));
});

for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
  test(`ends although somebody sent ${signal} to its holder`, async () => {
    const { holder, end } = await lendThis();
    process.kill(Number(holder.replace("/proc/", "")), signal);
    await end();
    assert.not(existsSync(holder));
  });
}

test("gives nothing where it cannot", async () => {
  assert.is(await lendDescriptor(process.pid, 1 << 28), null);
});

s.run();
