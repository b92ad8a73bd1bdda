import assert from "node:assert/strict";
import type { Json } from "@holdfast/storage";
import { describe, it } from "vitest";
import { applyPatch } from "./apply-patch.ts";
import type { JsonPatch } from "./json-patch.ts";

/** The examples of appendix A of the RFC: value, patch, result or the code of the error. */
const EXAMPLES: readonly (readonly [
  name: string,
  value: Json,
  patch: JsonPatch,
  result: { readonly value: Json } | string,
])[] = [
  ["A.1", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { value: { baz: "qux", foo: "bar" } }],
  [
    "A.2",
    { foo: ["bar", "baz"] },
    [{ op: "add", path: "/foo/1", value: "qux" }],
    { value: { foo: ["bar", "qux", "baz"] } },
  ],
  ["A.3", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { value: { foo: "bar" } }],
  [
    "A.4",
    { foo: ["bar", "qux", "baz"] },
    [{ op: "remove", path: "/foo/1" }],
    { value: { foo: ["bar", "baz"] } },
  ],
  [
    "A.5",
    { baz: "qux", foo: "bar" },
    [{ op: "replace", path: "/baz", value: "boo" }],
    { value: { baz: "boo", foo: "bar" } },
  ],
  [
    "A.6",
    { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
    [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
    { value: { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } } },
  ],
  [
    "A.7",
    { foo: ["all", "grass", "cows", "eat"] },
    [{ op: "move", from: "/foo/1", path: "/foo/3" }],
    { value: { foo: ["all", "cows", "eat", "grass"] } },
  ],
  [
    "A.8",
    { baz: "qux", foo: ["a", 2, "c"] },
    [
      { op: "test", path: "/baz", value: "qux" },
      { op: "test", path: "/foo/1", value: 2 },
    ],
    { value: { baz: "qux", foo: ["a", 2, "c"] } },
  ],
  ["A.9", { baz: "qux" }, [{ op: "test", path: "/baz", value: "bar" }], "PATCH_TEST"],
  [
    "A.10",
    { foo: "bar" },
    [{ op: "add", path: "/child", value: { grandchild: {} } }],
    { value: { foo: "bar", child: { grandchild: {} } } },
  ],
  ["A.12", { foo: "bar" }, [{ op: "add", path: "/baz/bat", value: "qux" }], "PATCH_INVALID"],
  ["A.14", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { value: { "/": 9, "~1": 10 } }],
  ["A.15", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: "10" }], "PATCH_TEST"],
  [
    "A.16",
    { foo: ["bar"] },
    [{ op: "add", path: "/foo/-", value: ["abc", "def"] }],
    { value: { foo: ["bar", ["abc", "def"]] } },
  ],
  [
    "copy",
    { a: { b: 1 } },
    [
      { op: "copy", from: "/a", path: "/c" },
      { op: "replace", path: "/c/b", value: 2 },
    ],
    { value: { a: { b: 1 }, c: { b: 2 } } },
  ],
  ["the whole", { a: 1 }, [{ op: "replace", path: "", value: [1] }], { value: [1] }],
  ["a place past the end", [1], [{ op: "add", path: "/2", value: 1 }], "PATCH_INVALID"],
  ["a place that is none", [1], [{ op: "replace", path: "/00", value: 1 }], "PATCH_INVALID"],
  ["a name that is inherited", {}, [{ op: "remove", path: "/toString" }], "PATCH_INVALID"],
  ["no pointer", {}, [{ op: "add", path: "a", value: 1 }], "PATCH_INVALID"],
  ["a wrong escape", {}, [{ op: "add", path: "/~2", value: 1 }], "PATCH_INVALID"],
  ["a move into itself", { a: {} }, [{ op: "move", from: "/a", path: "/a/b" }], "PATCH_INVALID"],
  ["through a text", { a: "x" }, [{ op: "add", path: "/a/b", value: 1 }], "PATCH_INVALID"],
];

describe("applyPatch()", () => {
  for (const [name, value, patch, result] of EXAMPLES) {
    it(`does as RFC 6902 says: ${name}`, () => {
      const before = structuredClone(value);
      if (typeof result === "string") {
        assert.throws(() => applyPatch(value, patch), { name: "JsonPatchError", code: result });
      } else {
        assert.deepStrictEqual(applyPatch(value, patch), result.value);
      }
      assert.deepStrictEqual(value, before);
    });
  }

  it("refuses an operation that it does not know", () => {
    // @ts-expect-error: what a caller without types may pass
    assert.throws(() => applyPatch({}, [{ op: "increment", path: "/a" }]), { code: "PATCH_INVALID" });
  });

  it("sets __proto__ as any other name", () => {
    const value = applyPatch({}, [{ op: "add", path: "/__proto__", value: { polluted: true } }]);
    assert.deepEqual(Object.keys(value ?? {}), ["__proto__"]);
    assert.equal("polluted" in {}, false);
  });
});
