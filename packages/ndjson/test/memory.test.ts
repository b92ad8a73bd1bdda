import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";

describe("reading a large log", () => {
  const lines = env["HOLDFAST_LONG"] === "1" ? 2_000_000 : 300_000;
  it(`of ${lines} records takes no more than 64 MiB above the start`, () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "large.ndjson");
    const file = openSync(path, "w");
    const filling = "some words that fill the line ".repeat(8);
    for (let written = 0; written < lines; written += 1000) {
      const block = Array.from({ length: 1000 }, (_, index) =>
        JSON.stringify({ kind: "event", seq: written + index + 1, filling }),
      );
      writeSync(file, `${block.join("\n")}\n`);
    }
    closeSync(file);
    const program = join(import.meta.dirname, "read-large.ts");
    const answer: unknown = JSON.parse(
      execFileSync(execPath, ["--conditions=holdfast-source", program, path], { encoding: "utf8" }),
    );
    assert.ok(typeof answer === "object" && answer !== null && "records" in answer && "grownMiB" in answer);
    assert.equal(answer.records, lines * 3);
    assert.ok(Number(answer.grownMiB) < 64, `grown by ${String(answer.grownMiB)} MiB`);
  });
});
