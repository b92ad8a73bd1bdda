// The main job, for real, in a temporary folder: a workflow of three agents is started, killed in the middle with
// SIGKILL, resumed, and verified; then its story is told. Ends with status 0 only when all of it held.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const holdfast = join(root, "apps", "cli", "bin", "holdfast.js");
const folder = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
const store = join(folder, ".holdfast");

const say = (text) => process.stdout.write(`${text}\n`);
const heading = (text) => say(`\n--- ${text}`);

function command(...args) {
  say(`$ holdfast ${args.join(" ")}`);
  const result = spawnSync(process.execPath, [holdfast, "--root", store, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  if (result.stderr) say(result.stderr.trimEnd());
  if (result.stdout) say(result.stdout.trimEnd());
  return result;
}

function expect(condition, claim) {
  if (!condition) throw new Error(`not so: ${claim}`);
  say(`ok: ${claim}`);
}

/** The ledger's whole lines; the run is found by its folder. */
function ledger() {
  const runs = join(store, "runs");
  const [run] = existsSync(runs) ? readdirSync(runs) : [];
  const path = run === undefined ? undefined : join(runs, run, "ledger.ndjson");
  if (path === undefined || !existsSync(path)) return { run, lines: [] };
  const text = readFileSync(path, "utf8");
  return {
    run,
    lines: text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .slice(0, -1),
  };
}

const commandsIn = (lines) => lines.map((line) => JSON.parse(line)).filter((line) => line.kind === "command");

async function startAndKill() {
  say("$ holdfast run workflow.yaml");
  const running = spawn(process.execPath, [holdfast, "--root", store, "run", "workflow.yaml"], {
    cwd: folder,
    stdio: "ignore",
    env: { ...process.env, EXAMPLE_DELAY_MS: "400" },
  });
  const ended = new Promise((resolve) => running.once("exit", (code, signal) => resolve(signal ?? code)));
  for (let waited = 0; waited < 60_000; waited += 20) {
    // The second command is written and the agent is at work: the worst moment to die.
    if (commandsIn(ledger().lines).length >= 2) break;
    if (running.exitCode !== null) throw new Error(`the run ended by itself with status ${running.exitCode}`);
    await sleep(20);
  }
  running.kill("SIGKILL");
  say(`kill -9 ${running.pid}   (the second step is under way) -> ${await ended}`);
}

try {
  cpSync(join(root, "examples", "build-and-review"), folder, { recursive: true });
  heading("three agents build, review and document a small module; the process is killed while they work");
  await startAndKill();
  const before = ledger();
  expect(before.lines.length > 0, `${before.lines.length} ledger lines are on disk`);

  heading("where it stands");
  command("status", before.run);

  heading("it goes on where it stopped");
  expect(command("resume", before.run).status === 0, "the resumed run ends with status 0");

  heading("nothing acknowledged was lost, nothing finished was done again");
  const after = ledger();
  expect(
    before.lines.every((line, index) => after.lines[index] === line),
    "every ledger line from before the kill is still there, to the byte",
  );
  const first = commandsIn(after.lines)[0];
  expect(
    commandsIn(after.lines).filter((line) => line.correlation_id === first.correlation_id).length === 1,
    `the finished step "${first.action}" was sent once`,
  );
  expect(command("verify").status === 0, "verify finds no damage");

  heading("the story of the run");
  expect(command("show", before.run, "--transcript").status === 0, "the transcript is there");
  say("\nAll of it held. Next: README.md, or npx holdfast --help");
} catch (error) {
  process.stderr.write(`\ndemo failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
