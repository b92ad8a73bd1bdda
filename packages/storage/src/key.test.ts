import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { problemOfAnyKey, problemOfKey } from "./key.ts";

const part = fc.oneof(
  fc.constantFrom("runs", "tasks", "jobs", "snapshots", "idempotency", "objects", "work", "store", "index"),
  fc.constantFrom("run", "last", "con", "NUL", "com1", "lpt9", "aux", "conin", "checkpoints", "turn_12"),
  fc.constantFrom(
    "",
    ".",
    "..",
    ".hidden",
    "a.json",
    "b.ndjson",
    "end.",
    "end ",
    "a:b",
    "a\\b",
    "ä",
    "\u0000",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
  fc.nat({ max: 400 }).map((length) => "x".repeat(length)),
);

describe("problemOfKey()", () => {
  it("says of plain keys what is said part by part", () => {
    let plain = 0;
    const keys = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
    fc.assert(
      fc.property(keys, fc.constantFrom("", "\n", "/", "runs/"), (key, more) => {
        for (const each of [key, key + more, `runs/${key}`, `tasks/project_1/${key}`]) {
          const problem = problemOfKey(each);
          assert.equal(problem, problemOfAnyKey(each), JSON.stringify(each));
          if (problem === undefined) plain += 1;
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(plain > 100);
  });
});
