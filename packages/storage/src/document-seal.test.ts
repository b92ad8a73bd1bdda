import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { openSealed, sealDocument } from "./document-seal.ts";
import { encodeDocument } from "./encode-document.ts";
import type { Json } from "./json.ts";

const anyDocument = fc.dictionary(
  fc.string({ unit: "binary" }),
  fc.jsonValue({ noUnicodeString: false }),
) as fc.Arbitrary<{
  readonly [name: string]: Json;
}>;

describe("a sealed document", () => {
  it("is what it was, whatever is in it, after it was written and read", () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const read: Json = JSON.parse(encodeDocument(sealDocument(document)));
        const { value, seal } = openSealed(read);
        assert.equal(seal, "whole");
        assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(encodeDocument(document))));
      }),
    );
  });

  it("of which any byte was changed is broken, no JSON, or the same", () => {
    const document = { run_id: "r", turn: 3, list: [1, null, "ä\u2028"], more: { __proto__x: 1.5 } };
    const bytes = Buffer.from(encodeDocument(sealDocument(document)));
    let broken = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(at) ^ bit, at);
        let read: Json;
        try {
          read = JSON.parse(changed.toString("utf8"));
        } catch {
          continue;
        }
        const { value, seal } = openSealed(read);
        if (seal === "broken") broken += 1;
        else assert.deepEqual(value, document, `bit ${bit} of byte ${at}`);
      }
    }
    assert.ok(broken > 100);
  });

  it("that was never sealed is as it is; a seal is not sealed again", () => {
    for (const value of [null, 1, "a", [], {}, { a: `sha256:${"0".repeat(64)}` }])
      assert.deepEqual(openSealed(value), { value, seal: "none" });
    const once = sealDocument({ a: 1 });
    assert.deepEqual(sealDocument(once), once);
    assert.equal(openSealed({ ...once, a: 2 }).seal, "broken");
  });
});
