import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { canonicalJson } from "@holdfast/idempotency";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { snapshotIdOf } from "./snapshot-id.ts";

const file = (path: string, digit = "0", size = 1) => ({ path, sha256: `sha256:${digit.repeat(64)}`, size });

describe("snapshotIdOf()", () => {
  it("is that of the formula, written out", () => {
    // printf '[{"path":"a.txt","sha256":"sha256:000...","size":1}]' | sha256sum
    const text = `[{"path":"a.txt","sha256":"sha256:${"0".repeat(64)}","size":1}]`;
    assert.equal(
      snapshotIdOf([file("a.txt")]),
      `snap-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`,
    );
    assert.equal(snapshotIdOf([file("a.txt")]), "snap-004da8581c43");
  });

  it("is that of an empty list for no files", () => {
    assert.equal(snapshotIdOf([]), "snap-4f53cda18c2b");
  });

  it("equals the canonical JSON of any files, in UTF-16 order", () => {
    const path = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.isWellFormed());
    const files = fc.uniqueArray(fc.record({ path, digit: fc.constantFrom("0", "a", "f"), size: fc.nat() }), {
      selector: (entry) => entry.path,
      maxLength: 40,
    });
    fc.assert(
      fc.property(files, (entries) => {
        const list = entries.map((entry) => file(entry.path, entry.digit, entry.size));
        const sorted = list.toSorted((a, b) => (a.path < b.path ? -1 : 1));
        const digest = createHash("sha256").update(canonicalJson(sorted)).digest("hex");
        assert.equal(snapshotIdOf(list), `snap-${digest.slice(0, 12)}`);
      }),
    );
  });

  it("sorts by UTF-16 code units, not by code points", () => {
    // U+1F600 starts with D83D, which is before U+FF5E in code units and after it in code points.
    const ids = [
      [file("\u{1F600}"), file("\uFF5E")],
      [file("\uFF5E"), file("\u{1F600}")],
    ].map(snapshotIdOf);
    assert.equal(ids[0], ids[1]);
    const text = canonicalJson([file("\u{1F600}"), file("\uFF5E")]);
    assert.equal(ids[0], `snap-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`);
  });

  it("leaves everything but path, checksum and size out", () => {
    const more = { ...file("a"), mtime: "2026-01-02T03:04:05.123456Z", mode: "0755" };
    assert.equal(snapshotIdOf([more]), snapshotIdOf([file("a")]));
  });

  it("refuses a path that is listed twice", () => {
    assert.throws(() => snapshotIdOf([file("b"), file("a"), file("b")]), TypeError);
  });
});
