// Runs the village in a temporary folder and asks why bread became as expensive as it ever was. Ends with status 0 only when the answer
// reaches from the price to the weather.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "../../apps/cli/bin/holdfast.js");
const folder = mkdtempSync(join(tmpdir(), "holdfast-why-"));

function holdfast(...args) {
  const command = existsSync(built) ? [process.execPath, built] : ["npx", "holdfast"];
  const { status, stdout, stderr } = spawnSync(command[0], [...command.slice(1), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status === 0) return stdout;
  throw new Error(`holdfast ${args.join(" ")} ended with ${status}: ${stderr}`);
}

try {
  cpSync(here, folder, { recursive: true });
  const { run_id: run } = JSON.parse(holdfast("run", "simulation.yaml", "--quiet", "--json"));
  const changes = holdfast("events", run, "--type", "STATE", "--json")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const dearest = changes
    .filter(({ details }) => details.variable_name === "price")
    .toSorted((a, b) => b.details.new_value - a.details.new_value || b.turn_number - a.turn_number)[0];
  process.stdout.write(`Why did bread cost ${dearest.details.new_value} in turn ${dearest.turn_number}?\n\n`);
  process.stdout.write(holdfast("causality", run, dearest.event_id, "--depth", "6"));

  const { upstream } = JSON.parse(holdfast("causality", run, dearest.event_id, "--depth", "20", "--json"));
  const kinds = new Set(upstream.flatMap(({ events }) => events.map(({ event_type }) => event_type)));
  const reached = ["STATE", "ACTION", "DECISION", "DETAIL"].filter((kind) => kinds.has(kind));
  process.stdout.write(
    `\nThe answer goes through ${reached.join(", ")} events, ${upstream.length} steps back.\n`,
  );
  holdfast("verify", run, "--quiet");
  if (reached.length < 4) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
