import assert from "node:assert/strict";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("its examples run and print what they say", () => {
    using folder = temporaryFolder();
    const outputs = readmeExamples(PACKAGE).map((example) => runExample(folder.path, example));
    assert.equal(outputs.length, 4);
    assert.equal(
      outputs[0],
      '{ position: 1, duplicate: false }\n{ position: 1, duplicate: true }\n1 {"message_id":"m1"}\n',
    );
    assert.match(outputs[1] ?? "", /fail 0/);
    assert.equal(outputs[2], "");
  });

  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
  });
});
