import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "vitest";
import { type Finished, Place } from "./support/command.ts";

const TASK = {
  spec: { task_spec_id: "a-b", request: "日本語 \u2028", priority: 5, tomorrow: [null, { deep: -1e-7 }] },
  task_id: "task-a-b-1234abcd",
  lifecycle: "queued",
  status: "pending",
  pipeline_id: null,
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05.5+02:00",
  embedding: [5e-324, 1.7976931348623157e308, 9007199254740991],
};
const META = {
  task_id: TASK.task_id,
  status: "pending",
  pipeline_id: null,
  created_at: TASK.created_at,
  updated_at: TASK.updated_at,
};
const FILE = ".holdfast/tasks/a-b/task-a-b-1234abcd.json";

interface Failure {
  readonly error: { readonly code: string; readonly details: Record<string, unknown> };
}

function save(place: Place, task: object): Finished {
  return place.holdfast(["task", "save", "-"], { input: JSON.stringify(task) });
}

describe("holdfast task", { timeout: 120_000 }, () => {
  it("looking at an empty store finds nothing and makes nothing", () => {
    using place = new Place("tasks");
    for (const args of [["list"], ["list", "--project", "none"], ["list", "--json"]]) {
      const { status, stdout } = place.quick(["task", ...args]);
      assert.deepEqual([status, stdout], [0, ""]);
    }
    for (const args of [
      ["show", "none"],
      ["meta", "../../etc/passwd"],
      ["save", "none.json"],
    ]) {
      const { status, stdout } = place.quick(["task", ...args, "--json"]);
      const { error }: Failure = JSON.parse(stdout);
      assert.deepEqual([status, error.code], [3, "NOT_FOUND"]);
    }
    assert.equal(existsSync(place.store), false);
  });

  it("saves from a file or from stdin, and gives back what was saved", () => {
    using place = new Place("tasks");
    writeFileSync(place.path("task.json"), JSON.stringify(TASK));
    const saved = place.quick(["task", "save", "task.json"]);
    assert.deepEqual([saved.status, saved.stdout], [0, "task-a-b-1234abcd\n"]);
    assert.equal(save(place, { ...TASK, task_id: "../../outside" }).status, 0);
    assert.deepEqual(JSON.parse(place.quick(["task", "show", TASK.task_id]).stdout), TASK);
    const meta = place.quick(["task", "meta", TASK.task_id, "--json"]);
    assert.deepEqual(JSON.parse(meta.stdout), META);
    assert.match(place.quick(["task", "meta", TASK.task_id]).stdout, /^status +pending$/mu);
    assert.deepEqual(Object.keys(JSON.parse(place.read(FILE))).slice(0, 5), Object.keys(META));
    const listed = place.quick(["task", "list", "--json"]).stdout.trim().split("\n");
    assert.deepEqual(
      listed.map((line) => JSON.parse(line)),
      [
        { ...META, project: "a-b" },
        { ...META, task_id: "../../outside", project: "default" },
      ],
    );
    assert.equal(place.quick(["task", "list", "--project", "a-b"]).stdout.split("\n").length, 3);
    assert.deepEqual(readdirSync(place.path(".holdfast/tasks")).toSorted(), ["a-b", "default"]);
    assert.equal(place.quick(["verify"]).status, 0);
  });

  it("says what is wrong with a file that is no task, and keeps what was there", () => {
    using place = new Place("tasks");
    assert.equal(save(place, TASK).status, 0);
    const before = place.read(FILE);
    const cases: readonly (readonly [string, string, object])[] = [
      ['{\n  "task_id": oops', "JSON", { path: "task.json", line: 2, column: 14 }],
      [JSON.stringify({ ...TASK, status: "weird" }), "VALIDATION", { path: "task.json", place: "$.status" }],
      ["[]", "VALIDATION", { path: "task.json", place: "$" }],
      ['{"a": 1, "a": 2}', "JSON", { path: "task.json", line: 1, column: 10 }],
    ];
    for (const [text, code, details] of cases) {
      writeFileSync(place.path("task.json"), text);
      const { status, stdout } = place.quick(["task", "save", "task.json", "--json"]);
      const { error }: Failure = JSON.parse(stdout);
      assert.deepEqual([status, error.code, error.details], [2, code, details]);
    }
    assert.equal(place.read(FILE), before);
  });

  it("names a damaged task by code, path and line; list and verify find it", () => {
    using place = new Place("tasks");
    assert.equal(save(place, TASK).status, 0);
    assert.equal(save(place, { ...TASK, task_id: "task-a-b-00000000" }).status, 0);
    writeFileSync(place.path(FILE), readFileSync(place.path(FILE), "utf8").slice(0, 200));
    const shown = place.quick(["task", "show", TASK.task_id, "--json"]);
    const { error }: Failure = JSON.parse(shown.stdout);
    assert.deepEqual([shown.status, error.code], [4, "JSON"]);
    assert.equal(error.details["path"], "tasks/a-b/task-a-b-1234abcd.json");
    assert.ok(Number(error.details["line"]) > 1);
    const verified = place.quick(["verify"]);
    assert.equal(verified.status, 1);
    assert.match(verified.stdout, /tasks\/a-b\/task-a-b-1234abcd\.json/u);
    writeFileSync(place.path(FILE), "{");
    const meta = place.quick(["task", "meta", TASK.task_id]);
    assert.equal(meta.status, 4);
    assert.match(meta.stderr, /^holdfast: JSON: .*line 1, column 2/u);
    const listed = place.quick(["task", "list"]);
    assert.equal(listed.status, 4);
    assert.match(listed.stdout, /task-a-b-00000000/u);
    assert.match(listed.stderr, /JSON: .*task-a-b-1234abcd/u);
  });

  it("verify counts tasks and jobs, warns of an index of jobs that is damaged, and repair makes it again", () => {
    using place = new Place("tasks");
    const made = place.quick(["job", "create", "--id", "j", "--description", "d"]);
    assert.equal(made.status, 0, made.stderr);
    const index = place.path(".holdfast/jobs/jobs_index.json");
    const whole = readFileSync(index, "utf8");
    writeFileSync(index, whole.slice(0, 50));
    const verified = place.quick(["verify"]);
    assert.equal(verified.status, 0, verified.stdout);
    assert.match(verified.stdout, /^warning {2}jobs\/jobs_index\.json\n.*cannot be read/u);
    assert.match(
      verified.stdout,
      /checked 0 runs, 0 snapshots, 1 job: everything that is claimed holds, 1 worth a look/u,
    );
    const tried = place.quick(["repair", "--dry-run", "--salvage"]);
    assert.match(tried.stdout, /would mend.*jobs_index\.json\n.*would be made again from the manifests/u);
    assert.equal(readFileSync(index, "utf8"), whole.slice(0, 50));
    const mended = place.quick(["repair"]);
    assert.deepEqual([mended.status, mended.stderr], [0, ""]);
    assert.equal(readFileSync(index, "utf8"), whole);
    assert.match(place.quick(["verify"]).stdout, /1 job: everything that is claimed holds$/mu);
  });

  it("verify finds a job whose history was edited, and warns of its index", () => {
    using place = new Place("tasks");
    const made = place.quick(["job", "create", "--id", "j", "--description", "d"]);
    assert.equal(made.status, 0, made.stderr);
    assert.equal(place.quick(["job", "activate", "j"]).status, 0);
    assert.equal(place.quick(["verify"]).status, 0);
    const path = place.path(".holdfast/jobs/j/job_manifest.json");
    writeFileSync(
      path,
      place.read(".holdfast/jobs/j/job_manifest.json").replaceAll('"PENDING"', '"SUCCESS"'),
    );
    const { status, stdout } = place.quick(["verify", "--json"]);
    const { findings }: { findings: { severity: string; kind: string; place: string }[] } =
      JSON.parse(stdout);
    assert.equal(status, 1);
    assert.deepEqual(
      findings
        .filter(({ kind }) => kind === "history" || kind === "index")
        .map((finding) => [finding.severity, finding.kind, finding.place]),
      [
        ["error", "history", "jobs/j/job_manifest.json"],
        ["warning", "index", "jobs/jobs_index.json"],
      ],
    );
  });
});
