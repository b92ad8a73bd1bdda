import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("has examples that run and print what they say", () => {
    const [example = "", jobs = ""] = readmeExamples(PACKAGE);
    using folder = temporaryFolder();
    const output = runExample(folder.path, example);
    assert.deepEqual(output.trimEnd().split("\n"), ["completed [ 'implement done' ]", "completed 0", "0 []"]);
    assert.equal(readFileSync(folder.file("src/hello.txt"), "utf8"), "Say hello\n");
    assert.equal(runExample(folder.path, jobs), "APPROVAL_REQUIRED 0\n");
    assert.equal(readFileSync(folder.file("src/hello.txt"), "utf8"), "Say hello again\n");
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
