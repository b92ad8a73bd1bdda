import assert from "node:assert/strict";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("has an example that runs and prints what it says", () => {
    const [example = "", ...more] = readmeExamples(PACKAGE);
    assert.deepEqual(more, []);
    using folder = temporaryFolder();
    assert.equal(runExample(folder.path, example), "1 price\n[ 'ACTION', 'DECISION' ]\n");
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
