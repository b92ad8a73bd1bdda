import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { type DocumentSchema, readJson, writeJsonAtomic } from "./json-file.ts";

const temporaryFolder = temporaryFolders();

interface Receipt {
  readonly schema: string;
  readonly step: number;
}

/** Answers as zod 4 does for a literal and an integer. */
const receipt: DocumentSchema<Receipt> = {
  safeParse(value) {
    const fields = new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
    const schema: unknown = fields.get("schema") ?? "holdfast/receipt/v1";
    const step: unknown = fields.get("step");
    const issues = [];
    if (schema !== "holdfast/receipt/v1") {
      issues.push({
        code: "invalid_value",
        path: ["schema"],
        message: "Invalid input",
        values: ["holdfast/receipt/v1"],
      });
    }
    if (typeof step !== "number") issues.push({ path: ["step"], message: "expected number" });
    if (issues.length > 0 || typeof step !== "number" || typeof schema !== "string")
      return { success: false, error: { issues } };
    return { success: true, data: { schema, step } };
  },
};

const failing = (at: PropertyKey[]): DocumentSchema<never> => ({
  safeParse: () => ({
    success: false,
    error: {
      issues: [
        { path: at, message: "wrong" },
        { path: [], message: "also" },
      ],
    },
  }),
});

describe("readJson()", () => {
  it("tells missing, unreadable, not JSON, wrong schema, newer version and too large apart", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a.json");
    const read = () => readJson(path, receipt);
    await expect(read()).rejects.toMatchObject({ code: "FILE_MISSING", path });
    fs.writeFileSync(path, '{"step": 1,}');
    await expect(read()).rejects.toMatchObject({ code: "FILE_NOT_JSON", line: 1, column: 12 });
    fs.writeFileSync(path, '{"step": "1"}');
    await expect(read()).rejects.toMatchObject({
      code: "FILE_SCHEMA",
      documentPath: "step",
      message: expect.stringContaining("step: expected number"),
    });
    fs.writeFileSync(path, '{"schema": "holdfast/receipt/v2", "other": 1}');
    await expect(read()).rejects.toMatchObject({
      code: "FILE_NEWER_VERSION",
      message: expect.stringContaining('"holdfast/receipt/v2"'),
    });
    fs.writeFileSync(path, '{"schema": "holdfast/task/v2", "step": 1}');
    await expect(read()).rejects.toMatchObject({ code: "FILE_SCHEMA", documentPath: "schema" });
    fs.writeFileSync(path, '{"step": 1}');
    await expect(readJson(path, receipt, { maxBytes: 10 })).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
    expect(await readJson(path, receipt, { maxBytes: 11 })).toEqual({
      schema: "holdfast/receipt/v1",
      step: 1,
    });
    await expect(readJson(folder, receipt)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("folder"),
    });
  });

  it("writes the path in the document so that a person finds it", async () => {
    const path = join(temporaryFolder(), "a.json");
    fs.writeFileSync(path, "{}");
    for (const [at, text] of [
      [["artifacts", 2, "sha256"], "artifacts[2].sha256"],
      [["a b", "c"], '["a b"].c'],
      [[], ""],
    ] as const) {
      await expect(readJson(path, failing([...at]))).rejects.toMatchObject({
        documentPath: text,
        message: expect.stringContaining("and 1 more"),
      });
    }
  });
});

describe("writeJsonAtomic()", () => {
  it("writes two spaces a level and a last newline, or one line; what it writes reads back", async () => {
    const path = join(temporaryFolder(), "sub", "a.json");
    await writeJsonAtomic(path, { step: 1, list: [null, true], gone: undefined });
    expect(fs.readFileSync(path, "utf8")).toBe('{\n  "step": 1,\n  "list": [\n    null,\n    true\n  ]\n}\n');
    await writeJsonAtomic(path, { step: 1 }, { schema: receipt, indent: 0 });
    expect(fs.readFileSync(path, "utf8")).toBe('{"schema":"holdfast/receipt/v1","step":1}\n');
    expect(await readJson(path, receipt)).toEqual({ schema: "holdfast/receipt/v1", step: 1 });
  });

  it("refuses what JSON would change, and what the schema does not want, before a byte is written", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a.json");
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const bad: [unknown, string][] = [
      [{ a: [1, { b: Number.NaN }] }, "a[1].b is NaN"],
      [[1, undefined], "[1] is undefined"],
      [undefined, "The value is undefined"],
      [{ f: () => 1 }, "f is "],
      [{ s: Symbol("x") }, "s is Symbol(x)"],
      [{ i: Number.POSITIVE_INFINITY }, "i is Infinity"],
      [1n, "BigInt"],
      [cycle, "circular"],
    ];
    for (const [value, message] of bad) {
      const failure = await writeJsonAtomic(path, value).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TypeError);
      expect(String(failure)).toContain(message);
    }
    await expect(writeJsonAtomic(path, { step: "1" }, { schema: receipt })).rejects.toMatchObject({
      code: "FILE_SCHEMA",
      documentPath: "step",
    });
    expect(fs.readdirSync(folder)).toEqual([]);
    await writeJsonAtomic(path, { at: new Date(0), none: null });
    expect(JSON.parse(fs.readFileSync(path, "utf8"))).toEqual({ at: "1970-01-01T00:00:00.000Z", none: null });
  });
});
