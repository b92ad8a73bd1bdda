// A job from DRAFT to SUCCESS, for real, in a temporary folder: its worker is killed in the middle with SIGKILL, its first result is
// rejected, its second approved. Ends with status 0 only when all of it held.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const holdfast = join(here, "..", "..", "apps", "cli", "bin", "holdfast.js");
const folder = mkdtempSync(join(tmpdir(), "holdfast-job-walk-"));
const say = (text) => process.stdout.write(`${text}\n`);

function command(...args) {
  say(`\n$ holdfast ${args.join(" ")}`);
  const result = spawnSync(process.execPath, [holdfast, ...args], { cwd: folder, encoding: "utf8" });
  say(`${result.stderr}${result.stdout}`.trimEnd());
  return result;
}

const status = () =>
  JSON.parse(
    spawnSync(process.execPath, [holdfast, "job", "status", "notes", "--json"], {
      cwd: folder,
      encoding: "utf8",
    }).stdout,
  );

function expect(actual, wanted, claim) {
  if (actual !== wanted) throw new Error(`not so: ${claim} (${actual}, not ${wanted})`);
  say(`ok: ${claim}`);
}

/** Commands that stand in the ledgers of the job's runs. */
function commands() {
  const runs = join(folder, ".holdfast", "runs");
  const ledgers = (existsSync(runs) ? readdirSync(runs) : []).map((run) => join(runs, run, "ledger.ndjson"));
  return ledgers
    .filter((path) => existsSync(path))
    .flatMap((path) => readFileSync(path, "utf8").split("\n").slice(0, -1))
    .map((line) => JSON.parse(line))
    .filter((line) => line.kind === "command");
}

async function startAndKill() {
  say("\n$ holdfast job run notes");
  const running = spawn(process.execPath, [holdfast, "job", "run", "notes"], {
    cwd: folder,
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => running.once("exit", (code, signal) => resolve(signal ?? code)));
  // The first try is over; the second command is written, and the worker is at it.
  for (let waited = 0; waited < 60_000 && commands().length < 2; waited += 20) await sleep(20);
  running.kill("SIGKILL");
  say(`kill -9 ${running.pid} -> ${await ended}`);
}

try {
  cpSync(here, folder, { recursive: true });
  command("job", "create", "--config", "workflow.yaml", "--id", "notes");
  expect(status().status, "DRAFT", "a new job is a draft");
  command("job", "activate", "notes");

  await startAndKill();
  command("job", "status", "notes");
  expect(status().status, "RUNNING", "the interrupted job shows what it was doing");
  expect(status().interrupted, true, "and that nobody does it any more");

  expect(command("job", "run", "notes").status, 0, "the next run recovers it and goes on to its gate");
  expect(status().status, "APPROVAL_REQUIRED", "a person is asked");
  expect(
    commands().filter(({ inputs }) => inputs.round === 2 && inputs.job.role === "worker").length,
    2,
    "the interrupted command was sent again",
  );
  expect(new Set(commands().map((line) => line.idempotency_key)).size, 3, "under the same key");

  command("job", "reject", "notes", "--reason", "Write out what is TBD");
  expect(command("job", "run", "notes").status, 0, "the worker is told, and makes it anew");
  expect(command("job", "approve", "notes", "--reason", "Complete").status, 0, "a person approves");

  command("job", "history", "notes");
  const last = status();
  expect(last.status, "SUCCESS", "the job is done");
  expect(last.metrics.cumulative_cost, 0.21, "each answer's cost is counted once");
  expect(command("verify").status, 0, "everything that is claimed holds");
} catch (error) {
  process.stderr.write(`\nwalk failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
