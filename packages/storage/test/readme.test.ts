import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, it } from "vitest";
import { temporaryFolders } from "./temporary-folder.ts";

const newFolder = temporaryFolders();
const packageFolder = join(import.meta.dirname, "..");
const readme = readFileSync(join(packageFolder, "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? "");

describe("README.md", () => {
  it("its examples run and print what they say", () => {
    const folder = newFolder();
    mkdirSync(join(folder, "node_modules", "@holdfast"), { recursive: true });
    symlinkSync(packageFolder, join(folder, "node_modules", "@holdfast", "storage"));
    const outputs = examples.map((example, index) => {
      writeFileSync(join(folder, `example-${index}.ts`), example);
      return execFileSync(execPath, ["--conditions=holdfast-source", `example-${index}.ts`], {
        cwd: folder,
        encoding: "utf8",
      });
    });
    assert.equal(outputs.length, 3);
    assert.equal(
      outputs[0],
      '{ position: 1, duplicate: false }\n{ position: 1, duplicate: true }\n1 {"message_id":"m1"}\n',
    );
    assert.match(outputs[1] ?? "", /fail 0/);
    assert.equal(outputs[2], "");
  });

  it("names every code of an error", () => {
    const source = readFileSync(join(packageFolder, "src", "errors.ts"), "utf8");
    const codes = new Set(source.match(/STORE_[A-Z_]+/g));
    for (const code of codes) assert.ok(readme.includes(`| \`${code}\` |`), code);
  });
});
