// Installs what the repository pins (Node 24, pnpm and every tool), once per lockfile, then runs a task with it.
// Plain JavaScript that an old Node can run: it needs Node 18 and npm, and nothing installed globally.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [task, ...rest] = process.argv.slice(2);
const read = (path) => readFileSync(join(root, path), "utf8");
const stamp = join(root, "node_modules", ".bootstrap");
const wanted = createHash("sha256")
  .update(
    read("pnpm-lock.yaml") +
      read("package.json") +
      read("pnpm-workspace.yaml") +
      process.platform +
      process.arch,
  )
  .digest("hex");
const env = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  npm_config_update_notifier: "false",
  PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
};

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (result.error) process.stderr.write(`${result.error.message}\n`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  const pnpm = JSON.parse(read("package.json")).packageManager.split("+")[0];
  run("npm", ["exec", "--yes", `--package=${pnpm}`, "--", "pnpm", "install", "--frozen-lockfile"]);
  writeFileSync(stamp, wanted);
}
if (task) run("pnpm", ["run", `task:${task}`, ...rest]);
