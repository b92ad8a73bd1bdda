import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { encodeDocument } from "./encode-document.ts";
import type { Json } from "./json.ts";
import { draftPieces, isDraft, type JsonDraft, JsonList, JsonText } from "./json-draft.ts";
import { memoryStore } from "./memory-store.ts";

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json);
const member = fc.oneof(
  json,
  fc.array(json, { maxLength: 8 }).map((items) => new JsonList(() => items)),
);

function wholeDocument(draft: JsonDraft): Json {
  return Object.fromEntries(
    Object.entries(draft).map(([name, part]) => {
      if (part instanceof JsonText) throw new Error("not made by these tests");
      return [name, part instanceof JsonList ? [...part] : part];
    }),
  );
}

function* manyItems(): Generator<Json> {
  for (let item = 0; item < 100_000; item++) yield { item, text: "x".repeat(20) };
}

describe("draftPieces()", () => {
  it("gives together, to the byte, the text of the whole document", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((name) => name !== "__proto__"),
          member,
          { minKeys: 1 },
        ),
        (draft) => {
          assert.equal(
            Buffer.concat([...draftPieces(draft)]).toString(),
            encodeDocument(wholeDocument(draft)),
          );
        },
      ),
    );
  });

  it("holds a small part of a long list at a time", () => {
    const draft: JsonDraft = { name: "long", items: new JsonList(manyItems), last: 1 };
    const lengths = [...draftPieces(draft)].map((piece) => piece.length);
    assert.ok(Math.max(...lengths) < 70_000);
    assert.ok(lengths.length > 50);
  });

  it("refuses an item that JSON cannot hold", () => {
    const draft = { items: new JsonList(() => [1, Number.NaN]) };
    assert.throws(() => [...draftPieces(draft)], TypeError);
  });
});

it("isDraft() knows a list that is to be made from one that is there", () => {
  assert.equal(isDraft({ items: new JsonList(() => []) }), true);
  for (const value of [{ items: [] }, [], null, 1, "text", {}]) assert.equal(isDraft(value), false);
});

it("a store of memory keeps a draft as the document it stands for", async () => {
  await using store = memoryStore();
  await store.documents.put("a/b", { items: new JsonList(() => [1, { two: 2 }]) });
  assert.deepEqual((await store.documents.get("a/b"))?.value, { items: [1, { two: 2 }] });
});
