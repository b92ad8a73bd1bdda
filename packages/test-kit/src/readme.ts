import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { env, execPath } from "node:process";

const PACKAGES = dirname(dirname(import.meta.dirname));

function readmeOf(packageFolder: string): string {
  return readFileSync(join(packageFolder, "README.md"), "utf8");
}

/** The examples in TypeScript of a package's README, in their order. */
export function readmeExamples(packageFolder: string): string[] {
  return [...readmeOf(packageFolder).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/**
 * Runs an example in a folder where the packages of this repository are installed, as their sources.
 *
 * @param folder - Where it runs, and where its files stay.
 * @returns What it printed. Throws, with what it wrote to stderr, when it fails.
 */
export function runExample(folder: string, code: string): string {
  const installed = join(folder, "node_modules", "@holdfast");
  if (!existsSync(installed)) {
    mkdirSync(dirname(installed));
    symlinkSync(PACKAGES, installed);
    // Schemas are a part of many examples.
    symlinkSync(join(PACKAGES, "storage", "node_modules", "zod"), join(folder, "node_modules", "zod"));
  }
  writeFileSync(join(folder, "example.mts"), code);
  // For the processes that the example starts as well.
  const environment = { ...env, NODE_OPTIONS: "--conditions=holdfast-source" };
  return execFileSync(execPath, ["example.mts"], {
    cwd: folder,
    encoding: "utf8",
    stdio: "pipe",
    env: environment,
  });
}

/** Error codes of `src/errors.ts` that the tables of the package's README do not name. */
export function undocumentedCodes(packageFolder: string): string[] {
  const source = readFileSync(join(packageFolder, "src", "errors.ts"), "utf8");
  const codes = new Set([...source.matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map(([, code = ""]) => code));
  if (codes.size === 0) throw new Error(`Cannot find an error code in "${packageFolder}/src/errors.ts"`);
  const rows = readmeOf(packageFolder)
    .split("\n")
    .filter((line) => line.startsWith("|"));
  return [...codes].filter((code) => !rows.some((row) => row.includes(`\`${code}\``)));
}
