import assert from "node:assert/strict";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("has examples that run and print what they say: a small writer, and an adapter for storage", () => {
    using folder = temporaryFolder();
    const printed = readmeExamples(PACKAGE).map((example) => runExample(folder.path, example));
    assert.deepEqual(printed, ["no bad state\n", "no bad state, no false acknowledgement\n"]);
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
