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
    const lines = runExample(folder.path, example).trimEnd().split("\n");
    assert.equal(lines[0], "true");
    assert.match(lines[1] ?? "", /^CHECKSUM_MISMATCH sha256:084c799cd551.* sha256:/);
    assert.match(lines[2] ?? "", /^report\.txt sha256:[0-9a-f]{64} 3$/);
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
