/** compiler/syntax: copies and walks over trees that hold every construct. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Node } from "../../../compiler/syntax/ast.js";
import { cloneBlock, cloneExpression } from "../../../compiler/syntax/clone.js";
import { showStatement } from "../../../compiler/syntax/print.js";
import { childrenOf, walk, walkUp } from "../../../compiler/syntax/walk.js";
import { parseGood, parseText, readCases } from "./support.js";

const s = suite("parse/syntax");

function idsIn(node: Node): number[] {
  const ids: number[] = [];
  walk(node, ({ id }) => {
    ids.push(id);
    return true;
  });
  return ids;
}

for (const { name, text, guru, args } of readCases("parse"))
  s(`${name}: a copy is the same but for its ids`, () => {
    for (const { body } of parseText(text, { guru, args }).script.probes) {
      const pairs: [Node, Node][] = [];
      const copy = cloneBlock(body, (original, copied) => pairs.push([original, copied]));
      assert.is(showStatement(copy), showStatement(body));
      const before = new Set(idsIn(body));
      assert.is(before.size, idsIn(body).length);
      assert.not(idsIn(copy).some((id) => before.has(id)));
      assert.is(pairs.length, before.size);
      assert.ok(pairs.every(([original, copied]) => original.span === copied.span));
    }
  });

s("walks parents first, or children first, in source order", () => {
  const { probes } = parseGood('probe begin { a[b + 1] = f($c->d[e], "x") }');
  const down: string[] = [];
  const up: string[] = [];
  for (const { body } of probes) {
    walk(body, ({ kind }) => {
      down.push(kind);
      return true;
    });
    walkUp(body, ({ kind }) => up.push(kind));
  }
  assert.is(
    down.join(" "),
    "block expression assignment index identifier binary identifier number " +
      "call target identifier string",
  );
  assert.is(
    up.join(" "),
    "identifier identifier number binary index identifier target string call assignment " +
      "expression block",
  );
});

s("leaves out the children of a node for which the visitor says false", () => {
  const { probes } = parseGood("probe begin { if (a) { b } else c }");
  const kinds: string[] = [];
  for (const { body } of probes)
    walk(body, ({ kind }) => {
      kinds.push(kind);
      return kind !== "if";
    });
  assert.is(kinds.join(" "), "block if");
});

s("a copied expression has its own children", () => {
  const [statement] = parseGood("probe begin { a = b }").probes[0]?.body.statements ?? [];
  if (statement?.kind !== "expression") return assert.unreachable();
  const copy = cloneExpression(statement.expression);
  assert.equal(
    childrenOf(copy).map(({ kind }) => kind),
    ["identifier", "identifier"],
  );
});

s.run();
