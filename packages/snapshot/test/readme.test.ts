import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, it } from "vitest";
import * as api from "../src/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const PACKAGE = join(import.meta.dirname, "..");
const README = readFileSync(join(PACKAGE, "README.md"), "utf8");

describe("README.md", () => {
  it("has an example that runs and prints what it says", () => {
    const blocks = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
    assert.equal(blocks.length, 1);
    using folder = temporaryFolder();
    mkdirSync(folder.file("node_modules/@holdfast"), { recursive: true });
    for (const name of ["snapshot", "storage"]) {
      symlinkSync(join(PACKAGE, "..", name), folder.file(`node_modules/@holdfast/${name}`));
    }
    writeFileSync(folder.file("example.mts"), blocks[0] ?? "");
    const output = execFileSync(execPath, ["--conditions=holdfast-source", "example.mts"], {
      cwd: folder.path,
      encoding: "utf8",
    });
    const promised = [...(blocks[0] ?? "").matchAll(/console\.log\(.*; \/\/ (.*)/g)].map(([, text]) => text);
    assert.deepEqual(output.trimEnd().split("\n"), promised);
  });

  it("names every error code, function and schema", () => {
    const source = readFileSync(join(PACKAGE, "src/errors.ts"), "utf8");
    for (const [, code = ""] of source.matchAll(/\| "(SNAPSHOT_\w+)"/g)) {
      assert.ok(README.includes(`| \`${code}\` |`), code);
    }
    for (const [name, value] of Object.entries(api)) {
      if (typeof value === "function" || name.endsWith("Schema")) assert.ok(README.includes(name), name);
    }
  });
});
