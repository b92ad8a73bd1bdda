import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readmeExamples, runExample, temporaryFolder, undocumentedCodes } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import * as api from "../src/index.ts";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("has an example that runs and prints what it says", () => {
    const [example = "", ...more] = readmeExamples(PACKAGE);
    assert.deepEqual(more, []);
    using folder = temporaryFolder();
    const promised = [...example.matchAll(/console\.log\(.*; \/\/ (.*)/g)].map(([, text]) => text);
    assert.deepEqual(runExample(folder.path, example).trimEnd().split("\n"), promised);
  });

  it("names every error code, function and schema", () => {
    assert.deepEqual(undocumentedCodes(PACKAGE), []);
    const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");
    const names = Object.entries(api).filter(
      ([name, value]) => typeof value === "function" || name.endsWith("Schema"),
    );
    assert.deepEqual(
      names.map(([name]) => name).filter((name) => !readme.includes(name)),
      [],
    );
  });
});
