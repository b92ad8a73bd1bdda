import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { JobPlace } from "./support/job-place.ts";

describe("a job and its processes", { timeout: 180_000 }, () => {
  it("killed in RUNNING and in REVIEWING it shows that, is recovered by the next run, and reaches SUCCESS", async () => {
    using place = new JobPlace("job-kill", { delayMs: 600 });
    place.activated();
    await place.killed(["run", "J"], 1);
    const running = place.done("status", "J");
    assert.deepEqual(
      [running["status"], running["interrupted"], running["holder"]],
      ["RUNNING", true, undefined],
    );
    assert.match(place.job("status", "J").stdout, /interrupted/);
    await place.killed(["run", "J"], 3);
    const reviewing = place.done("status", "J");
    assert.deepEqual([reviewing["status"], reviewing["interrupted"]], ["REVIEWING", true]);
    assert.equal(place.done("run", "J")["status"], "APPROVAL_REQUIRED");
    assert.equal(place.done("approve", "J", "--reason", "good", "--by", "ann")["status"], "SUCCESS");
    const job = place.manifest();
    assert.deepEqual(
      job.history.map(({ action = "created" }) => action),
      [
        "created",
        "activate",
        "start",
        "recover",
        "start",
        "COMPLETED",
        "start",
        "recover",
        "start",
        "COMPLETED",
        "approve",
      ],
    );
    assert.equal(job.history.at(-1)?.agent, "ann");
    // Sent again under the same key, by the same run: nothing that was answered is paid for twice.
    const commands = place.commands();
    assert.deepEqual(commands.map(({ action }) => action).toSorted(), [
      "implement",
      "implement",
      "review",
      "review",
    ]);
    assert.equal(new Set(commands.map(({ key }) => key)).size, 2);
    assert.equal(place.runs().length, 2);
    assert.equal(job.metrics.cumulative_cost, 0.21);
    const verified = place.holdfast(["verify"]);
    assert.equal(verified.status, 0, verified.stdout);
  });

  it("killed three times in a row it asks for a person, and says so with status 1", async () => {
    using place = new JobPlace("job-thrice", { delayMs: 600 });
    place.activated();
    for (const nth of [1, 2, 3]) await place.killed(["step", "J"], nth);
    const { status, stdout } = place.job("run", "J");
    assert.equal(status, 1, stdout);
    assert.match(stdout, /INTERVENTION_REQUIRED/);
    assert.equal(place.done("resubmit", "J")["status"], "PENDING");
    assert.equal(place.done("run", "J")["status"], "APPROVAL_REQUIRED");
    assert.equal(place.runs().length, 2);
  });

  it("of two processes that step one job one works, the other ends with 5 and names it; status shows the holder", async () => {
    using place = new JobPlace("job-two", { delayMs: 900 });
    place.activated();
    const { child, ended } = await place.working(["run", "J"], 1);
    child.kill("SIGSTOP"); // however long the others take
    const before = place.read(".holdfast", "jobs", "J", "job_manifest.json");
    for (const action of ["step", "run", "restep"]) {
      const other = place.job(action, "J");
      assert.equal(other.status, 5, other.stderr);
      assert.match(other.stderr, new RegExp(`JOB_HELD: .*process ${child.pid} on`));
    }
    assert.equal(place.read(".holdfast", "jobs", "J", "job_manifest.json"), before);
    assert.equal(place.holdfast(["repair", "J", "--break-lock"]).status, 5, "one of this machine keeps it");
    const holder = place.done("status", "J")["holder"] as { pid: number };
    assert.equal(holder.pid, child.pid);
    child.kill("SIGCONT");
    assert.equal((await ended).status, 0);
    assert.equal(place.manifest().status, "APPROVAL_REQUIRED");
  });

  it("pause from another process stops the agent and waits for it; resume and run go on with the same run", async () => {
    using place = new JobPlace("job-pause", { delayMs: 900 });
    place.activated();
    const { ended } = await place.working(["run", "J"], 1);
    assert.equal(place.done("pause", "J", "--reason", "lunch")["status"], "PAUSED");
    const stopped = await ended;
    assert.equal(stopped.status, 130, stopped.stderr);
    assert.equal(place.job("step", "J").status, 1);
    place.done("resume", "J");
    const told = place.done("run", "J");
    assert.equal(told["status"], "APPROVAL_REQUIRED");
    assert.equal(place.manifest().history.filter(({ action }) => action === "recover").length, 0);
    assert.equal(new Set(place.commands().map(({ key }) => key)).size, 2);
  });

  it("Ctrl-C leaves it PAUSED with status 130, says how it goes on, and no agent is left", async () => {
    using place = new JobPlace("job-ctrl-c", { delayMs: 20_000 });
    place.activated();
    const { child, ended } = await place.working(["run", "J"], 1);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await ended;
    assert.equal(status, 130, stdout + stderr);
    assert.match(stderr, /holdfast job resume J, then holdfast job run J goes on/);
    assert.equal(place.manifest().status, "PAUSED");
    const agents = readdirSync("/proc").filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) &&
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(place.path("script.json"))
        );
      } catch {
        return false;
      }
    });
    assert.deepEqual(agents, []);
  });

  it("a holder in another container is not judged; repair --break-lock frees the job and the run it works on", (test) => {
    if (spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status !== 0)
      test.skip("unshare is not allowed here");
    using place = new JobPlace("job-container");
    place.activated();
    // Dies in a pid namespace of its own, not as its first process, which no signal reaches; from here nobody can tell.
    const script = '"$0" --import "$1" "$2" job run J; exit 0';
    const preload = new URL("./support/fault-points.mjs", import.meta.url).href;
    spawnSync(
      "unshare",
      ["--pid", "--fork", "--mount-proc", "sh", "-c", script, process.execPath, preload, place.command],
      {
        cwd: place.dir,
        env: { ...process.env, HOLDFAST_TEST_KILL_AT: "90:after", HOLDFAST_TEST_STORE: place.store },
      },
    );
    assert.equal(place.commands().length, 1);
    const refused = place.job("run", "J");
    assert.equal(refused.status, 5, refused.stderr);
    const dry = place.holdfast(["repair", "J", "--break-lock", "--dry-run"]);
    assert.equal(dry.stderr.match(/would fence off process \d+ on/g)?.length, 2, dry.stderr);
    assert.equal(place.job("run", "J").status, 5);
    const freed = place.holdfast(["repair", "J", "--break-lock"]);
    assert.equal(freed.status, 0, freed.stderr);
    assert.match(freed.stderr, /fenced off process \d+ on .*, holder of run-/);
    assert.match(freed.stderr, /fenced off process \d+ on .*, holder of J since/);
    assert.equal(place.done("run", "J")["status"], "APPROVAL_REQUIRED");
    assert.match(place.holdfast(["repair", "J", "--break-lock"]).stderr, /nobody holds J/);
    assert.equal(place.holdfast(["repair", "none", "--break-lock"]).status, 3);
    assert.equal(place.holdfast(["repair", "--break-lock"]).status, 2);
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("killed at changes to the store all over a run, the next run brings it to its gate", {
    timeout: 600_000,
  }, () => {
    const every = process.env["HOLDFAST_LONG"] === "1" ? 1 : 60;
    for (let at = 5; ; at += every) {
      using place = new JobPlace("job-points");
      place.activated();
      const first = place.holdfast(["job", "run", "J"], { faults: { KILL_AT: `${at}:after` } });
      if (first.signal !== "SIGKILL") {
        assert.equal(first.status, 0, first.stderr);
        assert.ok(at > 45, `a run changed the store ${at} times only`);
        return;
      }
      const before = place.manifest();
      const after = before.status === "APPROVAL_REQUIRED" ? before.status : place.done("run", "J")["status"];
      assert.equal(after, "APPROVAL_REQUIRED", `killed at ${at}`);
      assert.equal(place.manifest().metrics.cumulative_cost, 0.21, `killed at ${at}`);
      assert.equal(new Set(place.commands().map(({ key }) => key)).size, 2, `killed at ${at}`);
    }
  });
});
