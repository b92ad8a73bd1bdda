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
    const output = runExample(folder.path, example);
    const list = "[ 'red', 'green', 'blue' ]";
    assert.deepEqual(output.trimEnd().split("\n"), ['{"a":"é","b":[1e+21,0]}', "asked", list, list]);
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
