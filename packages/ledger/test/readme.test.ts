import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

const PACKAGE = join(import.meta.dirname, "..");

describe("README.md", () => {
  const blocks = [...readFileSync(join(PACKAGE, "README.md"), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code = ""]) => code,
  );

  it("has an example that runs and prints what it says", () => {
    expect(blocks).toHaveLength(1);
    using folder = temporaryFolder();
    mkdirSync(folder.file("node_modules/@holdfast"), { recursive: true });
    symlinkSync(PACKAGE, folder.file("node_modules/@holdfast/ledger"));
    symlinkSync(join(PACKAGE, "../storage"), folder.file("node_modules/@holdfast/storage"));
    writeFileSync(folder.file("example.mts"), blocks[0] ?? "");
    const output = execFileSync(execPath, ["--conditions=holdfast-source", "example.mts"], {
      cwd: folder.path,
      encoding: "utf8",
    });
    expect(output).toBe("[ 'step-1' ]\n1 command\n2 event\ntrue\n");
  });
});
