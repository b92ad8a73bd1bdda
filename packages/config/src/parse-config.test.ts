import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import * as z from "zod";
import { configKind, parseConfig, readConfig, validateConfig } from "./index.ts";

const newFolder = temporaryFolders();
const RUNS = process.env["HOLDFAST_LONG"] === "1" ? 20_000 : 300;
const WHOLE = `kind: simulation
simulation: { name: A, max_turns: 3, seed: 1 }
agents:
  - { name: a, cmd: [node, "x y"], env: { A: "\${HOME}" } }
tasks: [{ id: T-1, goal: >-
      folded
      text }]
`;
const CODES = new Set(["CONFIG_SYNTAX", "CONFIG_INVALID", "CONFIG_UNSUPPORTED", "CONFIG_UNREADABLE"]);
const schema = z.strictObject({ kind: z.string(), simulation: z.looseObject({ max_turns: z.int() }) });

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return String(Object(error).code);
  }
}

/** Anything, and a config into which somebody put what a YAML parser takes for something. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc
    .tuple(
      fc.nat(WHOLE.length),
      fc.nat(20),
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 8 }),
        fc.constantFrom(
          "__proto__: { polluted: true }\n",
          "<<: *a",
          "&a [*a]",
          "!!js/function x",
          "1e999",
          "9007199254740993",
          "\uFEFF",
          "\u2028",
          "\r\n",
          "---\n",
          "? [a]\n: b\n",
          "%YAML 1.1\n",
          "\t",
          "'",
          "|",
        ),
      ),
    )
    .map(([at, length, text]) => WHOLE.slice(0, at) + text + WHOLE.slice(at + length)),
);

describe("parseConfig(), configKind() and validateConfig()", () => {
  it("give a value or an error with its code, whatever the text is", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const code = codeOf(() => {
          const document = parseConfig(text, "config.yaml");
          codeOf(() => configKind(document));
          validateConfig(document, schema);
        });
        assert.ok(code === undefined || CODES.has(code), code);
        assert.equal("polluted" in {}, false);
      }),
      { numRuns: RUNS },
    );
  });

  it("readConfig() does so whatever the bytes are", () => {
    const path = join(newFolder(), "config.yaml");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        writeFileSync(path, bytes);
        const code = codeOf(() => readConfig(path));
        assert.ok(code === undefined || CODES.has(code), code);
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it("ends with a code at a text that would grow without end", () => {
    const bomb = ["a: &a0 [x, x]"];
    for (let level = 1; level < 30; level += 1)
      bomb.push(`b${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
    for (const text of [
      bomb.join("\n"),
      "[".repeat(5_000),
      "{a: ".repeat(1_000),
      `a: ${"x".repeat(100_000)}`,
    ]) {
      const code = codeOf(() => parseConfig(text, "config.yaml"));
      assert.ok(code === undefined || CODES.has(code), `${text.slice(0, 20)}: ${code}`);
    }
  });
});
