import { describe, expect, it } from "vitest";
import * as z from "zod";
import { parseConfig } from "./parse-config.ts";
import { validateConfig, validateSections } from "./validate-config.ts";

const TEXT = `engine:
  type: tides
  hight: 3
agents:
  - name: a
  - { name: b, speed: 2.5 }
`;
const engine = z.strictObject({ type: z.string(), height: z.number().default(1) });
const agent = z.strictObject({ name: z.string(), speed: z.int().default(1) });

describe("validateSections()", () => {
  it("names place and line in the whole document, for all parts at once", () => {
    const sections = [
      { path: ["agents", 1], schema: agent },
      { path: ["engine"], schema: engine },
    ];
    const issues = [
      { documentPath: "engine.hight", line: 3, message: 'unknown key "hight"; did you mean "height"?' },
      { documentPath: "agents[1].speed", line: 6, message: "must be integer, found 2.5" },
    ];
    expect(() => validateSections(parseConfig(TEXT, "t.yaml"), sections)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        issues: issues.map((issue) => expect.objectContaining(issue)),
      }),
    );
  });

  it("gives the values in the order of the parts, defaults filled in", () => {
    const sections = [
      { path: ["agents", 0], schema: agent },
      { path: ["engine", "type"], schema: z.string() },
    ];
    expect(validateSections(parseConfig(TEXT, "t.yaml"), sections)).toEqual([
      { name: "a", speed: 1 },
      "tides",
    ]);
  });
});

describe("validateConfig()", () => {
  it("says of a misspelt key what was meant, and not that it is missing too", () => {
    const document = parseConfig("name: x\nmax_trns: 3\n", "t.yaml");
    const schema = z.strictObject({ name: z.string(), max_turns: z.int(), seed: z.int() });
    expect(() => validateConfig(document, schema)).toThrow(
      expect.objectContaining({
        issues: [
          expect.objectContaining({ documentPath: "seed" }),
          expect.objectContaining({ documentPath: "max_trns", line: 2 }),
        ],
      }),
    );
  });
});
