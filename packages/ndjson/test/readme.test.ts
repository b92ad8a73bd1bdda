import assert from "node:assert/strict";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  const examples = readmeExamples(PACKAGE);
  it("has examples", () => {
    assert.equal(examples.length, 3);
  });

  it.each(examples.map((example, index) => [index + 1, example]))("example %i runs", (_, example) => {
    using folder = temporaryFolder();
    assert.doesNotThrow(() => runExample(folder.path, example));
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
