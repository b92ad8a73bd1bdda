import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allowedActions, JOB_TRANSITIONS, type JobManifest, type JobStatus } from "@holdfast/task-store";
import { describe, it } from "vitest";
import { JobPlace } from "./support/job-place.ts";

const STEERING = [
  "activate",
  "approve",
  "reject",
  "resubmit",
  "review",
  "pause",
  "suspend",
  "resume",
  "rerun",
  "cancel",
  "terminate",
] as const;

describe("holdfast job", { timeout: 180_000 }, () => {
  it("every pair of state and action: the table's move, all others are refused and leave the manifest as it was", async () => {
    using place = new JobPlace("job-pairs", {
      implement: [
        { hang: true, events: [{ type: "builder.completed" }] },
        { events: [{ type: "builder.completed", payload: { outcome: "COMPLETED" } }] },
        { events: [{ type: "builder.completed", payload: { outcome: "STUCK" } }] },
      ],
    });
    const states = new Map<JobStatus, string>();
    const keep = (status: JobStatus): void => {
      assert.equal(place.manifest().status, status);
      states.set(status, readFileSync(place.manifestPath(), "utf8"));
    };
    place.done("create", "--description", "make a", "--config", "jobs.yaml", "--id", "J");
    keep("DRAFT");
    place.done("activate", "J");
    keep("PENDING");
    await place.killed(["step", "J"], 1);
    keep("RUNNING");
    place.done("pause", "J");
    keep("PAUSED");
    place.done("suspend", "J");
    keep("SUSPENDED");
    // A new attempt, which is the second round of the worker.
    place.done("cancel", "J");
    keep("CANCELED");
    place.done("rerun", "J");
    place.done("step", "J");
    keep("REVIEW_REQUIRED");
    writeFileSync(
      place.path("script.json"),
      place.read("script.json").replace('"review":{', '"review":{"hang":true,'),
    );
    await place.killed(["step", "J"], 3);
    keep("REVIEWING");
    writeFileSync(
      place.path("script.json"),
      place
        .read("script.json")
        .replace('"hang":true,"delay_ms":0,"events":[{"type":"review', '"events":[{"type":"review'),
    );
    place.done("step", "J");
    keep("APPROVAL_REQUIRED");
    place.done("approve", "J");
    keep("SUCCESS");
    place.done("rerun", "J");
    assert.equal(place.job("step", "J").status, 1);
    keep("INTERVENTION_REQUIRED");
    assert.equal(states.size, 11);

    const pairs = [...states].flatMap(([status, text]) =>
      [...STEERING, "step"].map((action) => {
        const id = `${status}-${action}`;
        mkdirSync(join(place.store, "jobs", id));
        const copied = text.replace('"job_id": "J"', `"job_id": "${id}"`);
        writeFileSync(place.manifestPath(id), copied);
        return { status, action, id, copied };
      }),
    );
    const tried = ({ status, action, id, copied }: (typeof pairs)[number]): void => {
      const move = JOB_TRANSITIONS.find((one) => one.action === action && one.from.includes(status));
      const begins = ["PENDING", "RUNNING", "REVIEW_REQUIRED", "REVIEWING"].includes(status);
      // These have no configuration: a step that the table allows finds that out, and changes nothing either.
      if (action === "step" && begins) return;
      const { status: exit, stdout, stderr } = place.quick(["job", action, id, "--json"]);
      const about = `${id}: ${stdout}${stderr}`;
      if (move !== undefined) {
        assert.equal(exit, 0, about);
        assert.equal(place.manifest(id).status, move.to, about);
        assert.equal((JSON.parse(stdout) as { status: string }).status, move.to);
        return;
      }
      assert.equal(exit, 1, about);
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string; details: unknown } };
      assert.equal(error.code, "JOB_STATE");
      const said = error.details as { state: string; action: string; allowed: readonly string[] };
      const allowed = allowedActions(status);
      assert.deepEqual([said.state, said.action], [status, action === "step" ? "start" : action]);
      assert.deepEqual(said.allowed, allowed);
      for (const word of [status, ...allowed]) assert.ok(error.message.includes(word), error.message);
      assert.equal(readFileSync(place.manifestPath(id), "utf8"), copied, about);
    };
    for (const pair of pairs) tried(pair);
  });

  it("cost and time add up over steps, attempts and retakes; history and list are NDJSON", () => {
    const retry = { events: [{ type: "builder.completed", payload: { outcome: "RETRY", cost: 0.1 } }] };
    const error = { error: { message: "broken", cost: 0.3 } };
    const good = {
      events: [{ type: "builder.completed", payload: { cost: 0.2, summary: "done\nat last" } }],
    };
    using place = new JobPlace("job-cost", { implement: [retry, error, good] });
    place.activated();
    place.done("step", "J");
    place.done("step", "J");
    place.done("restep", "J", "--reason", "once more");
    const lines = place.job("history", "J", "--json").stdout.trimEnd().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as JobManifest["history"][number]);
    const sum = (pick: (entry: JobManifest["history"][number]) => number | undefined): number =>
      entries.reduce((total, entry) => total + (pick(entry) ?? 0), 0);
    const { cumulative_cost: cost, cumulative_time_seconds: time } = place.manifest().metrics;
    assert.equal(cost, 0.8);
    assert.ok(Math.abs(sum((entry) => entry.cost) - cost) < 1e-9);
    assert.ok(time > 0 && Math.abs(sum((entry) => entry.time_seconds) - time) < 1e-6);
    assert.equal(entries.filter((entry) => entry.taken_back === true).length, 2);
    assert.match(place.job("history", "J").stdout, /done\\nat last/);
    place.done("create", "--description", "another", "--id", "K");
    const listed = place.job("list", "--json").stdout.trimEnd().split("\n");
    assert.deepEqual(
      listed.map((line) => (JSON.parse(line) as { job_id: string }).job_id),
      ["J", "K"],
    );
    assert.deepEqual(place.job("list", "--status", "draft", "--json").stdout.trimEnd().split("\n").length, 1);
    assert.match(place.job("list").stdout, /^JOB +STATUS/);
  });

  it("wrong usage ends with 2, a job that is not there with 3, an id that is taken with 1, a damaged one with 4", () => {
    using place = new JobPlace("job-usage");
    place.activated();
    writeFileSync(place.path("simulation.yaml"), "simulation: { name: x, max_turns: 1 }\n");
    const cases: [string[], number, RegExp][] = [
      [["create"], 2, /needs --description TEXT, or --config FILE/],
      [["create", "--description", "x", "--task", "T"], 2, /--task and --workspace need --config/],
      [["create", "--config", "jobs.yaml"], 2, /WORKFLOW_NO_TASK: .*description/],
      [["create", "--description", "x", "--config", "none.yaml"], 3, /CONFIG_MISSING/],
      [["create", "--description", "x", "--config", "simulation.yaml"], 2, /CONFIG_UNSUPPORTED/],
      [["create", "--description", "x", "--id", "../x"], 2, /USAGE: --id/],
      [["create", "--description", "x", "--id", "J"], 1, /JOB_EXISTS/],
      [
        ["create", "--description", "x", "--config", "jobs.yaml", "--worker", "bilder"],
        2,
        /WORKFLOW_JOB_AGENT: .*builder, reviewer/,
      ],
      [
        ["create", "--description", "x", "--config", "jobs.yaml", "--workspace", "none"],
        2,
        /workspace .* is not a folder/,
      ],
      [["create", "--description", "x", "--phase", "build"], 2, /NAME=AGENT/],
      [["create", "--description", "x", "--phase", "a=b", "--phase", "a=c"], 2, /"a" is there twice/],
      [["create", "--description", "x", "--phase", "a=b", "--worker", "c"], 2, /--phase takes the place/],
      [["list", "--status", "BUSY"], 2, /takes one of DRAFT/],
      [["frobnicate", "J"], 2, /USAGE/],
      [["status"], 2, /USAGE/],
      [["step", "J", "--config", "none.yaml"], 3, /CONFIG_MISSING/],
    ];
    for (const [args, status, message] of cases) {
      const ended = place.job(...args);
      assert.equal(ended.status, status, `${args.join(" ")}: ${ended.stdout}${ended.stderr}`);
      assert.match(ended.stderr, message);
    }
    for (const action of ["status", "history", "step", "run", "restep", "approve", "cancel"]) {
      for (const id of ["none", "../J"]) {
        const ended = place.job(action, id);
        assert.equal(ended.status, 3, `${action} ${id}: ${ended.stderr}`);
        assert.match(ended.stderr, /JOB_NOT_FOUND/);
      }
    }
    assert.deepEqual(readdirSync(join(place.store, "jobs")).toSorted(), ["J", "jobs_index.json"]);
    writeFileSync(place.manifestPath(), "{");
    for (const action of ["status", "step", "cancel", "list"])
      assert.equal(place.job(...(action === "list" ? [action] : [action, "J"])).status, 4, action);
  });

  it("without a configuration it is steered by hand, until one is given", () => {
    using place = new JobPlace("job-by-hand");
    place.done("create", "--description", "by hand", "--id", "J");
    place.done("activate", "J");
    const refused = place.job("step", "J");
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /WORKFLOW_JOB_CONFIG_MISSING: .*--config FILE/);
    assert.equal(place.done("run", "J", "--config", "jobs.yaml")["status"], "APPROVAL_REQUIRED");
  });
});
