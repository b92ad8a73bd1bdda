import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { readmeExamples, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("has an example that runs and prints what it says", () => {
    const [example = "", ...more] = readmeExamples(PACKAGE);
    assert.deepEqual(more, []);
    using folder = temporaryFolder();
    // An app is not among the packages: it is installed by itself.
    const installed = folder.file("node_modules/@holdfast");
    mkdirSync(installed, { recursive: true });
    for (const name of ["events", "storage"])
      symlinkSync(join(PACKAGE, "node_modules/@holdfast", name), join(installed, name));
    symlinkSync(PACKAGE, join(installed, "api"));
    writeFileSync(folder.file("example.mts"), example);
    const { stdout, stderr } = spawnSync(execPath, ["--conditions=holdfast-source", "example.mts"], {
      cwd: folder.path,
      encoding: "utf8",
      env: { ...env, NODE_OPTIONS: "" },
    });
    assert.equal(stdout, "1 true\n404 NOT_FOUND\n", stderr);
    assert.ok(existsSync(folder.file(".holdfast/runs/demo/events.jsonl")));
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
