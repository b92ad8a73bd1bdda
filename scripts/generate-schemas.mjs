// Writes schemas/v1 from the zod schemas, or with --check fails when what is there is not what they say.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const read = (folder) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const kept = join(root, "schemas", "v1");
const check = process.argv.includes("--check");
const out = check ? mkdtempSync(join(tmpdir(), "holdfast-schemas-")) : kept;

const result = spawnSync(
  process.execPath,
  [join(root, "apps/cli/bin/holdfast.js"), "schemas", "--out", out, "--quiet"],
  {
    stdio: ["ignore", "ignore", "inherit"],
  },
);
if (result.status !== 0) process.exit(result.status ?? 1);

if (check) {
  const [wanted, found] = [read(out), read(kept)];
  rmSync(out, { recursive: true });
  const drifted = [...new Set([...Object.keys(wanted), ...Object.keys(found)])].filter(
    (name) => wanted[name] !== found[name],
  );
  if (drifted.length > 0) {
    process.stderr.write(`schemas/v1 differs from the code in ${drifted.join(", ")}; run: pnpm schemas\n`);
    process.exit(1);
  }
  process.stdout.write(`schemas/v1: ${Object.keys(wanted).length} schemas, as the code says\n`);
}
