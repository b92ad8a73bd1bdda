import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { diffSnapshots } from "./diff-snapshots.ts";

const file = (path: string, digit: string, size = 1) => ({
  path,
  sha256: `sha256:${digit.repeat(64)}`,
  size,
});

describe("diffSnapshots()", () => {
  it("finds what was added, removed, changed and renamed", () => {
    const before = [file("a", "1"), file("gone", "2"), file("old/name.ts", "3"), file("same", "4")];
    const after = [file("a", "5"), file("new/name.ts", "3"), file("same", "4"), file("fresh", "6")];
    const diff = diffSnapshots(before, { files: after });
    assert.deepEqual(diff.added, [file("fresh", "6")]);
    assert.deepEqual(diff.removed, [file("gone", "2")]);
    assert.deepEqual(diff.changed, [{ path: "a", before: file("a", "1"), after: file("a", "5") }]);
    assert.deepEqual(diff.renamed, [
      { from: "old/name.ts", to: "new/name.ts", sha256: file("", "3").sha256 },
    ]);
  });

  it("takes the same name in another folder for the origin of a rename", () => {
    const before = [file("a/x.ts", "1"), file("b/y.ts", "1")];
    assert.deepEqual(
      diffSnapshots(before, [file("c/y.ts", "1"), file("a/x.ts", "1")]).renamed.map(({ from }) => from),
      ["b/y.ts"],
    );
    assert.equal(diffSnapshots(before, [file("c/y.ts", "1")]).renamed[0]?.from, "b/y.ts");
  });

  it("pairs a content once, and empty files never", () => {
    const diff = diffSnapshots(
      [file("a", "1"), file("e", "0", 0)],
      [file("b", "1"), file("c", "1"), file("f", "0", 0)],
    );
    assert.deepEqual(
      diff.renamed.map(({ from, to }) => [from, to]),
      [["a", "b"]],
    );
    assert.deepEqual(
      diff.added.map(({ path }) => path),
      ["c", "f"],
    );
    assert.deepEqual(
      diff.removed.map(({ path }) => path),
      ["e"],
    );
  });

  it("is a recipe: applied to the first snapshot it gives the second", () => {
    const files = fc.uniqueArray(
      fc.record({
        path: fc.constantFrom("a", "b", "c", "d", "e", "f"),
        digit: fc.constantFrom("1", "2", "3"),
        size: fc.nat(1),
      }),
      { selector: (entry) => entry.path },
    );
    fc.assert(
      fc.property(files, files, (one, two) => {
        const a = one.map(({ path, digit, size }) => file(path, digit, size));
        const b = two.map(({ path, digit, size }) => file(path, digit, size));
        const { added, removed, changed, renamed } = diffSnapshots(a, b);
        const result = new Map(a.map((entry) => [entry.path, entry]));
        const moved = renamed.map(({ from, to }) => ({ ...result.get(from), path: to }));
        for (const { path } of removed) assert.ok(result.delete(path));
        for (const { from } of renamed) assert.ok(result.delete(from));
        for (const { path, before, after } of changed) {
          assert.deepEqual(result.get(path), before);
          result.set(path, after);
        }
        for (const entry of [...added, ...moved]) {
          assert.ok(!result.has(entry.path));
          result.set(entry.path, entry as (typeof b)[number]);
        }
        const sorted = (list: Iterable<(typeof b)[number]>) =>
          [...list].toSorted((x, y) => (x.path < y.path ? -1 : 1));
        assert.deepEqual(sorted(result.values()), sorted(b));
      }),
    );
  });
});
