import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { referenceCanonicalJson } from "../test/reference-canonical-json.ts";
import {
  IDEMPOTENCY_KEY_PATTERN,
  type IdempotencyKeyParts,
  idempotencyKey,
  isIdempotencyKey,
} from "./idempotency-key.ts";

const PARTS: IdempotencyKeyParts = {
  action: "implement",
  task_id: "T-0042",
  snapshot_id: "snap-0123456789ab",
  inputs: { round: 1, goal: "Add a parser" },
  expected_outputs: [{ required: true, path: "src/duration.mjs" }],
};

describe("idempotencyKey()", () => {
  it("is what sha256sum gives for the documented text", () => {
    // printf '%s\n%s\n%s\n%s\n%s' implement T-0042 snap-0123456789ab '{"goal":"Add a parser","round":1}' '[{"path":"src/duration.mjs","required":true}]' | sha256sum
    assert.equal(
      idempotencyKey(PARTS),
      "ik:68cd47a10f0b2d5b35bb53bae9578f8e3fd6a005c71a528060e3b48238447904",
    );
  });

  it("is the documented hash for any work, whatever the order of keys", () => {
    const name = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\n"));
    const json = fc.jsonValue();
    fc.assert(
      fc.property(
        name,
        name,
        name,
        fc.dictionary(fc.string(), json),
        fc.array(json),
        (action, task_id, snapshot_id, inputs, expected_outputs) => {
          const text = [
            action,
            task_id,
            snapshot_id,
            referenceCanonicalJson(inputs),
            referenceCanonicalJson(expected_outputs),
          ].join("\n");
          const expected = `ik:${createHash("sha256").update(text, "utf8").digest("hex")}`;
          assert.equal(idempotencyKey({ action, task_id, snapshot_id, inputs, expected_outputs }), expected);
          const backwards = Object.fromEntries(Object.entries(inputs).toReversed());
          assert.equal(
            idempotencyKey({ expected_outputs, inputs: backwards, snapshot_id, task_id, action }),
            expected,
          );
          assert.match(expected, IDEMPOTENCY_KEY_PATTERN);
          assert.ok(isIdempotencyKey(expected));
        },
      ),
    );
  });

  it("differs when any part differs", () => {
    const keys = [
      PARTS,
      { ...PARTS, action: "review" },
      { ...PARTS, task_id: "T-0043" },
      { ...PARTS, snapshot_id: "snap-0123456789ac" },
      { ...PARTS, inputs: {} },
      { ...PARTS, expected_outputs: [] },
      { ...PARTS, inputs: PARTS.expected_outputs, expected_outputs: PARTS.inputs },
    ].map(idempotencyKey);
    assert.equal(new Set(keys).size, keys.length);
  });

  it("refuses a line end in a name, which could give two different works one key", () => {
    for (const name of ["action", "task_id", "snapshot_id"]) {
      for (const bad of ["a\nb", "\n", "\ud800", 1, undefined, null]) {
        assert.throws(() => idempotencyKey({ ...PARTS, [name]: bad }), {
          name: "TypeError",
          message: new RegExp(`"${name}"`),
        });
      }
    }
  });

  it("says in which part something is not plain JSON", () => {
    assert.throws(() => idempotencyKey({ ...PARTS, inputs: { a: [undefined] } }), {
      code: "CANONICAL_UNDEFINED",
      documentPath: "inputs.a[0]",
    });
    assert.throws(() => idempotencyKey({ ...PARTS, expected_outputs: undefined }), {
      code: "CANONICAL_UNDEFINED",
      documentPath: "expected_outputs",
    });
  });
});

describe("isIdempotencyKey()", () => {
  it("takes a key letter for letter and nothing else", () => {
    const key = `ik:${"0123456789abcdef".repeat(4)}`;
    assert.ok(isIdempotencyKey(key));
    for (const other of [
      key.toUpperCase(),
      key.slice(3),
      `${key}0`,
      `${key}\n`,
      ` ${key}`,
      key.replace("ik:", "sha256:"),
      "",
      undefined,
      1,
      [key],
    ]) {
      assert.equal(isIdempotencyKey(other), false);
    }
  });
});
