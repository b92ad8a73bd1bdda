import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { referenceCanonicalJson } from "../test/reference-canonical-json.ts";
import { canonicalJson } from "./canonical-json.ts";
import { canonicalJsonCarefully } from "./careful-canonical-json.ts";

const VECTORS = join(import.meta.dirname, "../test/vectors");

/** The text, after making sure that both ways of writing give it. */
function bothWays(value: unknown): string {
  const text = canonicalJson(value);
  assert.equal(canonicalJsonCarefully(value, ""), text);
  return text;
}

function doubleOf(bits: string): number {
  return Buffer.from(bits, "hex").readDoubleBE();
}

/** RFC 8785, appendix B: IEEE 754 bits and the text. */
const NUMBERS: readonly (readonly [bits: string, text: string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

describe("canonicalJson() follows RFC 8785", () => {
  it("gives the bytes of every test vector", () => {
    const names = readdirSync(join(VECTORS, "input"));
    assert.equal(names.length, 6);
    for (const name of names) {
      const input: unknown = JSON.parse(readFileSync(join(VECTORS, "input", name), "utf8"));
      assert.equal(bothWays(input), readFileSync(join(VECTORS, "output", name), "utf8"));
    }
  });

  it("writes the numbers of appendix B, and refuses those that it says are errors", () => {
    for (const [bits, text] of NUMBERS) assert.equal(bothWays(doubleOf(bits)), text);
    for (const bits of ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"]) {
      assert.throws(() => canonicalJson(doubleOf(bits)), { code: "CANONICAL_NUMBER" });
    }
  });

  it("sorts the property names of section 3.2.3 by UTF-16 code units", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const order = ["Carriage Return", "One", "Control", "Latin", "Euro Sign", "Emoji", "Hebrew"];
    const text = canonicalJson(value);
    const places = order.map((word) => text.indexOf(word));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.equal(bothWays(value), referenceCanonicalJson(value));
  });

  it("writes every character as an independent implementation does, as value and as name", () => {
    for (let code = 0; code < 0x1_0000; code += 1) {
      if (code >= 0xd8_00 && code < 0xe0_00) continue;
      const text = String.fromCharCode(code);
      assert.equal(canonicalJson(text), referenceCanonicalJson(text));
    }
    const all = Object.fromEntries(
      Array.from({ length: 0x250 }, (_, code) => [
        String.fromCodePoint(code),
        String.fromCodePoint(0x1_f5_00 + code),
      ]),
    );
    assert.equal(bothWays(all), referenceCanonicalJson(all));
  });

  it("writes any JSON value as an independent implementation does, whatever the order of its keys", () => {
    const document = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "medium", withCrossShrink: true },
        fc.constantFrom(null, true, false, 0, -0, 1, 1e21, 1e-7, ""),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: "binary" }),
        fc.string({ unit: "grapheme", maxLength: 100 }),
        fc.array(tie("value"), { maxLength: 6 }),
        fc
          .array(
            fc.tuple(
              fc.oneof(fc.string({ unit: "binary" }), fc.nat().map(String), fc.constant("__proto__")),
              tie("value"),
            ),
            { maxLength: 30 },
          )
          .map((entries) => Object.fromEntries(entries)),
      ),
    })).value;
    fc.assert(
      fc.property(document, (value) => {
        const expected = referenceCanonicalJson(value);
        assert.equal(bothWays(value), expected);
        assert.equal(canonicalJson(JSON.parse(expected)), expected, "the value survives");
        assert.equal(bothWays(reversed(value)), expected);
      }),
      { numRuns: 1000 },
    );
  });

  it("writes 100,000 random doubles and 100,000 random texts as an independent implementation does", () => {
    const words = new Uint32Array(2);
    const [double] = [new Float64Array(words.buffer)];
    let seed = 0x9e_37_79_b9;
    const next = (): number => {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      return seed >>> 0;
    };
    for (let i = 0; i < 100_000; i += 1) {
      words[0] = next();
      words[1] = next();
      const number = double[0] ?? 0;
      if (Number.isFinite(number)) assert.equal(canonicalJson(number), referenceCanonicalJson(number));
      const text = String.fromCharCode(
        ...Array.from({ length: next() % 12 }, () => next() % (i % 2 === 0 ? 0x1_00 : 0xd8_00)),
      );
      assert.equal(canonicalJson(text), referenceCanonicalJson(text));
    }
  });

  it("writes names that are numbers in the order of texts, and __proto__ as any other name", () => {
    assert.equal(
      bothWays({ 10: 1, 9: 2, 1: 3, a: 4, "01": 5, "4294967295": 6, "-1": 7 }),
      '{"-1":7,"01":5,"1":3,"10":1,"4294967295":6,"9":2,"a":4}',
    );
    const text = '{"__proto__":{"b":1,"a":2},"z":{"b":1,"a":2},"_":1}';
    assert.equal(bothWays(JSON.parse(text)), '{"_":1,"__proto__":{"a":2,"b":1},"z":{"a":2,"b":1}}');
    assert.equal(
      bothWays(JSON.parse('{"__proto__":1,"z":{"b":1,"a":2}}')),
      '{"__proto__":1,"z":{"a":2,"b":1}}',
    );
    assert.equal(
      bothWays(JSON.parse('{"constructor":1,"toString":2,"toJSON":"a text"}')),
      '{"constructor":1,"toJSON":"a text","toString":2}',
    );
  });

  it("changes nothing in the value", () => {
    const value = Object.freeze({ b: Object.freeze([Object.freeze({ d: 1, c: -0 })]), a: Object.freeze({}) });
    assert.equal(bothWays(value), '{"a":{},"b":[{"c":0,"d":1}]}');
    assert.deepEqual(Object.keys(value), ["b", "a"]);
  });

  it("writes the same object as often as it occurs, when it is not inside itself", () => {
    const shared = { b: [], a: 1 };
    assert.equal(
      bothWays([shared, { shared, list: [shared, shared] }]),
      '[{"a":1,"b":[]},{"list":[{"a":1,"b":[]},{"a":1,"b":[]}],"shared":{"a":1,"b":[]}}]',
    );
  });

  it("writes 100,000 levels, and any depth near the one where the way changes", () => {
    for (const depth of [...Array.from({ length: 20 }, (_, i) => 190 + i), 10_000, 100_000]) {
      let value: unknown = "x";
      for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { b: value, a: 0 };
      const text = canonicalJson(value);
      assert.ok(
        text.startsWith(depth % 2 === 1 ? '[{"a":0,"b":[' : '{"a":0,"b":[{"a":0,"b":['),
        String(depth),
      );
      assert.equal(text.length, 3 + 2 * Math.ceil(depth / 2) + 12 * Math.floor(depth / 2));
      assert.equal(text, canonicalJsonCarefully(value, ""));
    }
  });

  it("works when the stack is nearly used up", () => {
    let value: unknown = "x";
    for (let i = 0; i < 150; i += 1) value = { b: [value], a: 0 };
    const expected = canonicalJsonCarefully(value, "");
    let reached = 0;
    const dig = (): void => {
      try {
        dig();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      try {
        assert.equal(canonicalJson(value), expected);
        reached += 1;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (reached === 3) throw new Error("reached");
    };
    assert.throws(dig, { message: "reached" });
  });

  it("takes plain objects without a prototype and of another realm", () => {
    assert.equal(bothWays(Object.assign(Object.create(null), { b: 1, a: 2 })), '{"a":2,"b":1}');
    assert.equal(
      bothWays(runInNewContext("({ b: [1, { d: 2, c: 3 }], a: 1 })")),
      '{"a":1,"b":[1,{"c":3,"d":2}]}',
    );
  });

  it("leaves out what is no part of JSON: inherited and hidden properties, names of a list", () => {
    const hidden = Object.defineProperty({ a: 1 }, "hidden", { value: 1, enumerable: false });
    assert.equal(bothWays(hidden), '{"a":1}');
    assert.equal(bothWays(Object.assign([1], { name: 1 })), "[1]");
  });
});

describe("canonicalJson() refuses what it could only guess", () => {
  class Point {
    readonly x = 1;
  }
  class List extends Array<number> {}
  const cycle: Record<string, unknown> = {};
  cycle["self"] = { list: [1, cycle] };
  const listCycle: unknown[] = [1];
  listCycle.push(listCycle);
  const wideCycle: unknown[] = [];
  wideCycle.push(...Array.from({ length: 10 }, () => wideCycle));

  const refused: readonly (readonly [name: string, value: unknown, code: string, documentPath: string])[] = [
    ["undefined", undefined, "CANONICAL_UNDEFINED", ""],
    ["undefined in an object", { b: 1, a: { c: undefined } }, "CANONICAL_UNDEFINED", "a.c"],
    ["undefined in a list", [1, undefined], "CANONICAL_UNDEFINED", "[1]"],
    // oxlint-disable-next-line no-sparse-arrays
    ["a hole", { list: [1, , 2] }, "CANONICAL_UNDEFINED", "list[1]"],
    ["an endless hole", Object.assign([], { length: 4_000_000_000 }), "CANONICAL_UNDEFINED", "[0]"],
    ["NaN", { a: [Number.NaN] }, "CANONICAL_NUMBER", "a[0]"],
    ["infinity", Number.POSITIVE_INFINITY, "CANONICAL_NUMBER", ""],
    ["negative infinity", [Number.NEGATIVE_INFINITY], "CANONICAL_NUMBER", "[0]"],
    ["a BigInt", { a: 1n }, "CANONICAL_BIGINT", "a"],
    ["a function", { "odd name": [() => 1] }, "CANONICAL_TYPE", '["odd name"][0]'],
    ["a symbol", { a: Symbol("s") }, "CANONICAL_TYPE", "a"],
    ["a property named by a symbol", { a: { [Symbol("s")]: 1 } }, "CANONICAL_TYPE", "a"],
    ["a Date", { at: new Date(0) }, "CANONICAL_TYPE", "at"],
    ["a Map", new Map(), "CANONICAL_TYPE", ""],
    ["a Set", [new Set()], "CANONICAL_TYPE", "[0]"],
    ["bytes", { bytes: new Uint8Array(2) }, "CANONICAL_TYPE", "bytes"],
    ["a regular expression", { a: /x/ }, "CANONICAL_TYPE", "a"],
    ["a class instance", { point: new Point() }, "CANONICAL_TYPE", "point"],
    ["a subclass of Array", new List(3), "CANONICAL_TYPE", ""],
    ["an object that inherits", Object.create({ a: 1 }), "CANONICAL_TYPE", ""],
    ["a boxed number", [new Number(1)], "CANONICAL_TYPE", "[0]"],
    ["a boxed text", new String("a"), "CANONICAL_TYPE", ""],
    ["a promise", { a: Promise.resolve() }, "CANONICAL_TYPE", "a"],
    ["an error", new Error("no"), "CANONICAL_TYPE", ""],
    ["toJSON", { a: { toJSON: () => 1 } }, "CANONICAL_TYPE", "a.toJSON"],
    ["a raw text", { a: rawJson("1e1000") }, "CANONICAL_TYPE", "a"],
    ["a Date of another realm", runInNewContext("({ a: new Date(0) })"), "CANONICAL_TYPE", "a"],
    ["a lone high surrogate", ["\ud800"], "CANONICAL_SURROGATE", "[0]"],
    ["a lone low surrogate", { a: "x\udfff" }, "CANONICAL_SURROGATE", "a"],
    ["surrogates in the wrong order", "\ude00\ud83d", "CANONICAL_SURROGATE", ""],
    ["a lone surrogate in a name", { b: 1, "\ud800": 1 }, "CANONICAL_SURROGATE", String.raw`["\ud800"]`],
    [
      "a lone surrogate in the name of a number's neighbour",
      { 10: 1, 9: 1, "\udc00": 1 },
      "CANONICAL_SURROGATE",
      String.raw`["\udc00"]`,
    ],
    ["a cycle", cycle, "CANONICAL_CYCLE", "self.list[1]"],
    ["a list in itself", listCycle, "CANONICAL_CYCLE", "[1]"],
    ["a list in itself many times", wideCycle, "CANONICAL_CYCLE", "[0]"],
  ];

  for (const [name, value, code, documentPath] of refused) {
    it(`refuses ${name} and says where it is`, () => {
      assert.throws(() => canonicalJson(value), { name: "CanonicalJsonError", code, documentPath });
    });
  }

  it("names the first fault in the order of the text, and the root as it is told", () => {
    assert.throws(() => canonicalJson({ z: 1n, a: { y: Number.NaN, b: undefined } }, { root: "inputs" }), {
      documentPath: "inputs.a.b",
      message:
        'Cannot write canonical JSON at "inputs.a.b": it is undefined, which has no JSON; leave it out or use null',
    });
  });

  it("finds a fault below 100,000 levels, with a message that can be read", () => {
    let value: unknown = { bad: undefined };
    for (let i = 0; i < 100_000; i += 1) value = [value];
    assert.throws(
      () => canonicalJson(value),
      (error: Error & { documentPath?: string }) => {
        assert.equal(error.documentPath?.length, 300_004);
        assert.ok(error.message.length < 500);
        return true;
      },
    );
  });

  it("refuses a value whose text would be longer than a text can be", () => {
    // What the engine throws then. The real thing takes gigabytes; five texts of 2^27 characters were tried by hand.
    const reason = new RangeError("Invalid string length");
    const tooLong = (): never => {
      throw reason;
    };
    assert.throws(() => canonicalJson([Object.defineProperty({}, "a", { get: tooLong, enumerable: true })]), {
      code: "CANONICAL_TOO_LARGE",
    });
  });

  it("lets a getter's error through", () => {
    for (const reason of [new Error("from the getter"), new RangeError("from the getter")]) {
      const value = {
        get a(): never {
          throw reason;
        },
      };
      assert.throws(() => canonicalJson(value), reason);
    }
  });

  it("does not call a toJSON that somebody gave to all objects", () => {
    // Done to the test's own realm on purpose, and undone.
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(Object.prototype, "toJSON", { value: () => "changed", configurable: true });
    try {
      assert.equal(canonicalJson({ b: [1, {}], a: 2 }), '{"a":2,"b":[1,{}]}');
    } finally {
      Reflect.deleteProperty(Object.prototype, "toJSON");
    }
  });
});

function rawJson(text: string): unknown {
  const make: unknown = "rawJSON" in JSON ? JSON.rawJSON : undefined;
  return typeof make === "function" ? make(text) : new Map();
}

/** The same value with the keys of every object in reversed order of insertion. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, part]) => [key, reversed(part)]));
}
