import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findJsonFault } from "./json-scanner.ts";
import { parseJsonStrict } from "./json-text.ts";

const parse = (source: string | Uint8Array) => parseJsonStrict(source, { path: "/store/a.json" });

function fault(source: string | Uint8Array): { line: number; column: number; message: string } | undefined {
  try {
    parse(source);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error && "line" in error && "column" in error && "code" in error);
    assert.equal(error.code, "FILE_NOT_JSON");
    return { line: Number(error.line), column: Number(error.column), message: error.message };
  }
}

describe("parseJsonStrict()", () => {
  it.each([
    ['{\n  "a": 1,\n  "a": 2\n}', 3, 3, 'the key "a" occurs twice'],
    ['[{"x":{"b":1}},{"b":1,"\\u0062":2}]', 1, 23, "occurs twice"],
    ['{"__proto__":1,"__proto__":2}', 1, 16, "occurs twice"],
    ["[1e999]", 1, 2, "too large for a double"],
    ["-1e400", 1, 1, "too large for a double"],
    ["[0.1, 1e-400]", 1, 7, "too small for a double"],
    [`[0.1, 0.${"0".repeat(400)}1]`, 1, 7, "too small for a double"],
    [`{"a":-0.${"0".repeat(250)}1e-99}`, 1, 6, "too small for a double"],
    ['{"n": 9007199254740993}', 1, 7, "9007199254740992"],
    ["123456789012345678901", 1, 1, "loses value"],
    ["[1,\n 2,]", 2, 4, "expected a value"],
    ['{"a":1,}', 1, 8, "expected a key in quotes"],
    ["{'a':1}", 1, 2, "expected a key in quotes"],
    ['{"a" 1}', 1, 6, 'expected ":"'],
    ["[1 2]", 1, 4, 'expected "," or "]"'],
    ['{"a":1]', 1, 7, 'expected "," or "}"'],
    ["[", 1, 2, "the end of the text"],
    ['{"a":', 1, 6, "the end of the text"],
    ["", 1, 1, "the end of the text"],
    [" \n\t", 2, 2, "the end of the text"],
    ["1 2", 1, 3, "expected the end"],
    ["01", 1, 2, "expected the end"],
    ["+1", 1, 1, "expected a value"],
    [".5", 1, 1, "expected a value"],
    ["1.", 1, 2, "expected the end"],
    ["NaN", 1, 1, "expected a value"],
    ["undefined", 1, 1, "expected a value"],
    ['["a]', 1, 2, "has no end"],
    ['["a\nb"]', 1, 4, "control characters"],
    ['["\\x"]', 1, 3, "escape"],
    ['["\\u12g4"]', 1, 3, "escape"],
    ['"\u{1f9c0}" x', 1, 6, 'found "x"'],
    ["{}\u0000", 1, 3, "expected the end"],
    ["// no\n1", 1, 1, "expected a value"],
  ])("refuses %j at its line and column", (text, line, column, reason) => {
    expect(fault(text)).toEqual({ line, column, message: expect.stringContaining(reason) });
    expect(fault(text)?.message).toContain(`Cannot read "/store/a.json": line ${line}, column ${column}: `);
  });

  it("names the first byte that is not UTF-8", () => {
    expect(fault(Buffer.concat([Buffer.from('{\n"ä": "'), Buffer.from([0xff, 0x22, 0x7d])]))).toMatchObject({
      line: 2,
      column: 8,
    });
    expect(fault(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toMatchObject({
      line: 1,
      column: 3,
    });
    expect(fault(Buffer.from([0x22, 0xe2, 0x82]))).toMatchObject({ line: 1 });
  });

  it("keeps what is unusual and right", () => {
    expect(Object.entries(Object(parse('{"__proto__": {"a": 1}, "constructor": 2}')))).toEqual([
      ["__proto__", { a: 1 }],
      ["constructor", 2],
    ]);
    expect(parse("\ufeff[1]\r\n")).toEqual([1]);
    expect(parse(Buffer.from("\ufeff{}"))).toEqual({});
    expect(parse("[9007199254740992, -9007199254740991, 1e3, 1E300, 0.1e-5, 0e999, 0.0]")).toEqual([
      9007199254740992, -9007199254740991, 1000, 1e300, 0.000001, 0, 0,
    ]);
    expect(Object.is(parse("-0"), -0)).toBe(true);
    expect(parse('"\\ud800 \u2028 \\u0000"')).toBe("\ud800 \u2028 \u0000");
    expect(parse('{"a\\"": 1, "b": "x\\": y", "c": "\\": \\": "}')).toEqual({
      'a"': 1,
      b: 'x": y',
      c: '": ": ',
    });
    expect(parse('{"0": 1, "1": {"": []}}')).toEqual({ 0: 1, 1: { "": [] } });
  });

  it("takes any depth", () => {
    const depth = 200_000;
    let value = parse(`${'{"a":['.repeat(depth)}1${"]}".repeat(depth)}`);
    let levels = 0;
    for (; typeof value === "object" && value !== null; levels++)
      [value] = Object.values(Object.values(value)[0] ?? []);
    expect(levels).toBe(depth);
    expect(fault("[".repeat(depth))).toMatchObject({ column: depth + 1 });
    expect(fault(`${"[".repeat(depth)}{"a":1,"a":2}${"]".repeat(depth)}`)?.message).toContain("occurs twice");
  });

  it("gives every JSON value back, as text and as bytes, and the scanner finds no fault in it", () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6, stringUnit: "binary" }),
        fc.constantFrom(undefined, 1, "\t"),
        (text, indent) => {
          const value: unknown = JSON.parse(text);
          const written = JSON.stringify(value, undefined, indent);
          assert.deepEqual(parse(written), value);
          assert.deepEqual(parse(Buffer.from(written)), value);
          assert.equal(findJsonFault(written), undefined);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("takes exactly the texts the engine takes, apart from repeated keys and lossy numbers, however they are broken", () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom(
          "",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          '"',
          "\\",
          "1",
          "-",
          ".",
          "e",
          " ",
          "\n",
          "t",
          "\u0001",
        ),
        fc.nat(2),
      )
      .map(
        ([text, at, insert, cut]) =>
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + cut),
      );
    fc.assert(
      fc.property(broken, (text) => {
        let taken = true;
        try {
          JSON.parse(text);
        } catch {
          taken = false;
        }
        const found = findJsonFault(text);
        const stricter = found !== undefined && /twice|double/u.test(found.reason);
        if (!stricter) assert.equal(found === undefined, taken, `${JSON.stringify(text)}: ${found?.reason}`);
        // The quick way and the scanner agree.
        assert.equal(fault(text) === undefined, found === undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds a repeated key wherever it is", () => {
    const key = fc.constantFrom("a", "b", 'c"', ":", '":', "", "\\", '\\"', "\\\\");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.constantFrom('"x"', '"\\":"', "{}", '{"a":1}', "[]", "7")), {
          maxLength: 6,
        }),
        (entries) => {
          const text = `[{${entries.map(([name, value]) => `${JSON.stringify(name)} \n: ${value}`).join(",")}}]`;
          const repeats = new Set(entries.map(([name]) => name)).size < entries.length;
          assert.equal(fault(text) !== undefined, repeats, text);
        },
      ),
    );
  });

  it("never changes a number: what it takes means the same as its text", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 70n), 2n ** 70n), (integer) => {
        const text = String(integer);
        const exact = BigInt(Number(text)) === integer || String(Number(text)) === text;
        assert.equal(fault(text) === undefined, exact, text);
      }),
    );
  });
});
