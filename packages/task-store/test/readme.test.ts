import assert from "node:assert/strict";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("has examples that run and print what it says", () => {
    const printed = readmeExamples(PACKAGE).map((example) => {
      using folder = temporaryFolder();
      return runExample(folder.path, example);
    });
    assert.deepEqual(printed, [
      "pending NOT_FOUND\nREVIEW_REQUIRED 0.1\nJOB_STATE start suspend cancel\n",
      "completed 3\n[ 'a.mjs: changed' ]\n",
    ]);
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
