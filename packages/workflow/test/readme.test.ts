import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { ConfigError, WorkflowError } from "../src/index.ts";

const PACKAGE = join(import.meta.dirname, "..");
const README = readFileSync(join(PACKAGE, "README.md"), "utf8");

describe("README.md", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-readme-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("has an example that runs and prints what it says", () => {
    const [code = ""] = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text);
    mkdirSync(join(folder, "node_modules", "@holdfast"), { recursive: true });
    symlinkSync(PACKAGE, join(folder, "node_modules", "@holdfast", "workflow"));
    symlinkSync(join(PACKAGE, "..", "storage"), join(folder, "node_modules", "@holdfast", "storage"));
    writeFileSync(join(folder, "example.mts"), code);
    const output = execFileSync(process.execPath, ["example.mts"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "--conditions=holdfast-source" },
    });
    assert.deepEqual(output.trimEnd().split("\n"), ["completed [ 'implement done' ]", "completed 0", "0 []"]);
    assert.equal(readFileSync(join(folder, "src", "hello.txt"), "utf8"), "Say hello\n");
  });

  it("names every code that the package's errors have", () => {
    const source = readFileSync(join(PACKAGE, "src", "errors.ts"), "utf8");
    const codes = [...source.matchAll(/"((?:CONFIG|WORKFLOW)_[A-Z_]+)"/g)].map(([, code = ""]) => code);
    assert.ok(codes.length > 10);
    assert.deepEqual(
      codes.filter((code) => !README.includes(`\`${code}\``)),
      [],
    );
    assert.ok(new ConfigError("CONFIG_MISSING", "x", { path: "y" }) instanceof Error);
    assert.equal(new WorkflowError("WORKFLOW_NO_TASK", "x", { path: "y" }).code, "WORKFLOW_NO_TASK");
  });
});
