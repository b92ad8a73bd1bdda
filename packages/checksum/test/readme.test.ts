import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, it } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  const blocks = [...readFileSync(join(PACKAGE, "README.md"), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code = ""]) => code,
  );

  it("has an example that runs and prints what it says", () => {
    assert.equal(blocks.length, 1);
    using folder = temporaryFolder();
    mkdirSync(folder.file("node_modules/@holdfast"), { recursive: true });
    symlinkSync(PACKAGE, folder.file("node_modules/@holdfast/checksum"));
    writeFileSync(folder.file("example.mts"), blocks[0] ?? "");
    const output = execFileSync(execPath, ["--conditions=holdfast-source", "example.mts"], {
      cwd: folder.path,
      encoding: "utf8",
    });
    const lines = output.trimEnd().split("\n");
    assert.equal(lines[0], "true");
    assert.match(lines[1] ?? "", /^CHECKSUM_MISMATCH sha256:084c799cd551.* sha256:/);
    assert.match(lines[2] ?? "", /^report\.txt sha256:[0-9a-f]{64} 3$/);
  });
});
