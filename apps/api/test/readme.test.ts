import assert from "node:assert/strict";
import { join } from "node:path";
import { undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";

describe("README.md", () => {
  it("names every error code", () => {
    assert.deepEqual(undocumentedCodes(join(import.meta.dirname, "..")), []);
  });
});
