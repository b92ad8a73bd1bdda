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
    for (const name of ["idempotency", "storage"]) {
      symlinkSync(join(PACKAGE, "..", name), folder.file(`node_modules/@holdfast/${name}`));
    }
    writeFileSync(folder.file("example.mts"), blocks[0] ?? "");
    const output = execFileSync(execPath, ["--conditions=holdfast-source", "example.mts"], {
      cwd: folder.path,
      encoding: "utf8",
    });
    const list = "[ 'red', 'green', 'blue' ]";
    assert.deepEqual(output.trimEnd().split("\n"), ['{"a":"é","b":[1e+21,0]}', "asked", list, list]);
  });
});
