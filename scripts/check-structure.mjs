// Draws who imports whom from every manifest and every import, and fails on an edge the architecture does not name,
// on a cycle, and on a path into another package's folder.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The picture of docs/architecture.md, as data. Tests may also use what is below their package, and the test kit. */
const MAY_KNOW = {
  "test-kit": [],
  config: [],
  fsutil: [],
  checksum: [],
  "crash-kit": ["fsutil"],
  ndjson: ["fsutil"],
  storage: ["fsutil", "ndjson", "checksum"],
  idempotency: ["checksum", "storage"],
  snapshot: ["fsutil", "checksum", "idempotency", "storage"],
  ledger: ["idempotency", "checksum", "storage"],
  "task-store": ["checksum", "ledger", "storage"],
  checkpoint: ["idempotency", "storage"],
  events: ["storage"],
  workflow: ["config", "ledger", "snapshot", "idempotency", "task-store", "events", "storage"],
  simulation: ["config", "checkpoint", "events", "idempotency", "task-store", "storage"],
  api: ["checkpoint", "events", "ledger", "snapshot", "task-store", "storage"],
  cli: [
    "fsutil",
    "checksum",
    "ndjson",
    "storage",
    "idempotency",
    "snapshot",
    "ledger",
    "task-store",
    "config",
    "checkpoint",
    "events",
    "workflow",
    "simulation",
    "api",
  ],
};

/** Libraries from elsewhere that each package may use. */
const MAY_USE = {
  "test-kit": ["vitest"],
  fsutil: [],
  checksum: [],
  "crash-kit": [],
  ndjson: [],
  storage: ["zod"],
  idempotency: ["zod"],
  snapshot: ["zod", "ignore"],
  ledger: ["zod"],
  "task-store": ["zod"],
  config: ["zod", "yaml"],
  checkpoint: ["zod"],
  events: ["zod"],
  workflow: ["zod"],
  simulation: ["zod"],
  api: ["zod", "hono", "@hono/node-server", "zod-openapi"],
  cli: ["zod", "commander", "@bomb.sh/tab"],
};

const problems = [];
const folders = [
  ...readdirSync(join(root, "packages")).map((name) => join("packages", name)),
  ...readdirSync(join(root, "apps")).map((name) => join("apps", name)),
];

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === "node_modules" || name === "dist") return [];
    return statSync(path).isDirectory() ? filesBelow(path) : /\.(ts|mts|mjs)$/.test(name) ? [path] : [];
  });
}

const IMPORT =
  /(?:^|[\s;])(?:import|export)\s[^"'`;]*?from\s*["']([^"'$]+)["']|import\(\s*["']([^"']+)["']\s*\)|^import\s+["']([^"']+)["']/gm;

const edges = [];
for (const folder of folders) {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const name = manifest.name.replace("@holdfast/", "");
  const allowed = MAY_KNOW[name];
  if (allowed === undefined) {
    problems.push(`${folder}: ${manifest.name} is not in the picture of scripts/check-structure.mjs`);
    continue;
  }
  const declared = Object.keys({
    ...manifest.dependencies,
    ...(name === "cli" ? manifest.devDependencies : {}),
  });
  for (const dependency of declared) {
    const ours = dependency.startsWith("@holdfast/");
    const short = dependency.replace("@holdfast/", "");
    if (ours ? !allowed.includes(short) : !(MAY_USE[name] ?? []).includes(dependency)) {
      problems.push(`${folder}/package.json: ${name} may not depend on ${dependency}`);
    }
  }
  for (const file of filesBelow(join(root, folder, "src"))) {
    const test = file.endsWith(".test.ts");
    for (const match of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const target = match[1] ?? match[2] ?? match[3];
      const where = relative(root, file);
      if (target.startsWith("@holdfast/")) {
        const short = target.split("/")[1];
        if (short === name || (test && short === "test-kit")) continue;
        edges.push([name, short]);
        if (!allowed.includes(short)) problems.push(`${where}: ${name} may not know ${target}`);
        else if (!declared.includes(`@holdfast/${short}`))
          problems.push(`${where}: ${target} is not in the manifest`);
      } else if (target.startsWith(".")) {
        const reached = relative(join(root, folder), join(dirname(file), target));
        if (reached.startsWith(".."))
          problems.push(`${where}: ${target} reaches into another folder; import by name`);
      } else if (!target.startsWith("node:") && !test) {
        const library = target.startsWith("@")
          ? target.split("/").slice(0, 2).join("/")
          : target.split("/")[0];
        if (!(MAY_USE[name] ?? []).includes(library))
          problems.push(`${where}: ${name} may not use ${library}`);
      }
    }
  }
}

// Edges are checked one by one above; the picture itself must not have grown a cycle.
const visiting = new Set();
const finished = new Set();
function visit(name, trail) {
  if (finished.has(name)) return;
  if (visiting.has(name)) {
    problems.push(`cycle: ${[...trail, name].join(" -> ")}`);
    return;
  }
  visiting.add(name);
  for (const next of MAY_KNOW[name] ?? []) visit(next, [...trail, name]);
  visiting.delete(name);
  finished.add(name);
}
for (const name of Object.keys(MAY_KNOW)) visit(name, []);

const seen = new Map();
for (const [from, to] of edges) seen.set(from, new Set([...(seen.get(from) ?? []), to]));
for (const name of Object.keys(MAY_KNOW)) {
  process.stdout.write(
    `${name.padEnd(12)} ${[...(seen.get(name) ?? [])].toSorted((a, b) => (a < b ? -1 : 1)).join(", ") || "-"}\n`,
  );
}
if (problems.length > 0) {
  process.stderr.write(`\n${problems.join("\n")}\n`);
  process.exit(1);
}
