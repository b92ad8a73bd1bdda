// Checks what documents claim about the tree: links that lead somewhere, and npm scripts, commands and tests that exist.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const problems = [];

function documentsBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    if (["node_modules", "dist", ".git", ".turbo", "vectors", "golden", ".changeset"].includes(name))
      return [];
    const path = join(folder, name);
    return statSync(path).isDirectory()
      ? documentsBelow(path)
      : name.endsWith(".md") && name !== "CHANGELOG.md"
        ? [path]
        : [];
  });
}

const headingsOf = (text) =>
  [...text.replace(/```[\s\S]*?```/g, "").matchAll(/^#+\s+(.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );

const scripts = Object.keys(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts);
const help = spawnSync(process.execPath, [join(root, "apps/cli/bin/holdfast.js"), "--help"], {
  encoding: "utf8",
}).stdout;
const commands = [...help.matchAll(/^ {2}([a-z-]+)(?: |$)/gm)].map(([, name]) => name);
if (commands.length < 10) problems.push("holdfast --help lists hardly any command");

const documents = documentsBelow(root);
for (const path of documents) {
  const text = readFileSync(path, "utf8");
  const where = relative(root, path);
  for (const [, target] of text.replace(/```[\s\S]*?```/g, "").matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file, anchor] = target.split("#");
    const reached = file === "" ? path : resolve(dirname(path), file);
    if (!existsSync(reached)) problems.push(`${where}: ${target} leads nowhere`);
    else if (
      anchor &&
      reached.endsWith(".md") &&
      !headingsOf(readFileSync(reached, "utf8")).includes(anchor)
    ) {
      problems.push(`${where}: ${target} names a heading that is not there`);
    }
  }
  for (const [, script] of text.matchAll(/npm run ([a-z:-]+)/g)) {
    if (!scripts.includes(script)) problems.push(`${where}: npm run ${script} does not exist`);
  }
  for (const [, block] of text.matchAll(/```(?:sh|bash|console)\n([\s\S]*?)```/g)) {
    for (const [, command] of block.matchAll(/^\s*(?:\$ )?(?:npx )?holdfast ([a-z-]+)/gm)) {
      if (!commands.includes(command)) problems.push(`${where}: holdfast ${command} does not exist`);
    }
  }
}

// The page of guarantees names tests by their place: below packages, or in the tests of an app.
const faults = readFileSync(join(root, "docs/guarantees.md"), "utf8").split("## Every fault")[1] ?? "";
for (const [, name] of faults.matchAll(/`([a-z-]+(?:\/[a-z-]+)+)`/g)) {
  const [first, ...rest] = name.split("/");
  const isApp = first === "cli" || first === "api";
  const path = isApp ? join("apps", first, "test", ...rest) : join("packages", name);
  if (!existsSync(join(root, `${path}.test.ts`)))
    problems.push(`docs/guarantees.md: there is no test ${name}`);
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n`);
  process.exit(1);
}
process.stdout.write(`${documents.length} documents: links, scripts, commands and tests exist\n`);
