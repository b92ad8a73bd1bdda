import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");

describe("README", () => {
  it("has examples", () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });
  for (const [index, example] of examples.entries()) {
    it(`example ${index + 1} runs as printed`, () => {
      using folder = temporaryFolder();
      mkdirSync(join(folder.path, "node_modules", "@holdfast"), { recursive: true });
      symlinkSync(root, join(folder.path, "node_modules", "@holdfast", "ndjson"));
      writeFileSync(join(folder.path, "package.json"), '{"type":"module"}');
      writeFileSync(join(folder.path, "example.ts"), example);
      const args = ["--conditions=holdfast-source", "example.ts"];
      expect(() => execFileSync(execPath, args, { cwd: folder.path, stdio: "pipe" })).not.toThrow();
    });
  }
});
