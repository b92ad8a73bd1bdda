import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { expect, it } from "vitest";
import { temporaryFolders } from "./temporary-folder.ts";

const temporaryFolder = temporaryFolders();
const packageFolder = join(import.meta.dirname, "..");
const readme = readFileSync(join(packageFolder, "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gmsu)].map((match) => match[1] ?? "");

it("has examples", () => {
  expect(examples.length).toBe(3);
});

it.each(examples.map((example, index) => [index + 1, example]))(
  "example %i of the README runs",
  (_, example) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "node_modules", "@holdfast"), { recursive: true });
    symlinkSync(packageFolder, join(folder, "node_modules", "@holdfast", "fsutil"));
    writeFileSync(join(folder, "example.ts"), example);
    const run = () =>
      execFileSync(execPath, ["--conditions=holdfast-source", "example.ts"], { cwd: folder, stdio: "pipe" });
    expect(run).not.toThrow();
  },
);
