import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { METADATA_FIELDS, scanMetadata } from "./scan-metadata.ts";

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const scan = (text: string, sizes: readonly number[] = []): ReturnType<typeof scanMetadata> =>
  scanMetadata(cut(Buffer.from(text), sizes));

const key = fc.oneof(
  fc.constantFrom(...METADATA_FIELDS, "schema", "__proto__", "10", 'a"b', "\\"),
  fc.string(),
);
const members = fc.uniqueArray(fc.tuple(key, fc.jsonValue({ maxDepth: 4 })), { selector: ([name]) => name });
const space = fc.constantFrom("", " ", "\n", "\r\n\t", "   ");

describe("scanMetadata()", () => {
  it("finds the fields in any order, however the text is laid out and cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        members,
        space,
        fc.constantFrom(undefined, 1, 2),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }),
        fc.boolean(),
        async (entries, gap, indent, sizes, mark) => {
          const texts = entries.map(
            ([name, value]) =>
              `${gap}${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(value, undefined, indent)}${gap}`,
          );
          const text = `${mark ? "\uFEFF" : ""}${gap}{${texts.join(",")}${gap}}${gap}`;
          const found = await scan(text, sizes);
          const expected = entries.filter(([name]) => METADATA_FIELDS.some((field) => field === name));
          // What JSON.stringify() makes of -0 is 0.
          expect(found).toEqual(JSON.parse(JSON.stringify(Object.fromEntries(expected))));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("stops at the last of them, and knows keys that are written with escapes", async () => {
    const head = `{"\\u0074ask_id":"t","status":"a","pipeline_id":null,"created_at":"b","updated_at":"c",`;
    expect(await scan(`${head} and no JSON behind`)).toEqual({
      task_id: "t",
      status: "a",
      pipeline_id: null,
      created_at: "b",
      updated_at: "c",
    });
    // The store's own order, without a pipeline.
    const without = `{"task_id":"t","status":"a","created_at":"b","updated_at":"c","schema" and no JSON behind`;
    expect(await scan(without)).toEqual({ task_id: "t", status: "a", created_at: "b", updated_at: "c" });
  });

  it("says nothing of what is no object, torn, or too long", async () => {
    const texts = [
      "",
      " ",
      "[]",
      '"a"',
      "1",
      "null",
      "{",
      '{"a"',
      '{"a":',
      '{"a":1',
      '{"a":1,',
      '{"a":1,}',
      "{}}",
    ];
    const long = `{"task_id":"${"x".repeat(70_000)}"}`;
    for (const text of [...texts, "{,}", '{"a" 1}', "{1:2}", '{"status":tru}', '{"a":1}x', "}", "{]", long])
      expect(await scan(text)).toBeUndefined();
    expect(await scan("{}")).toEqual({});
    expect(await scan(`{"${"k".repeat(5_000)}": 1, "status": "a"}`, [100])).toEqual({ status: "a" });
  });
});
