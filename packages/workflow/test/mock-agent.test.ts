import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { mockCmd, Supervised } from "./supervised.ts";

const sha = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

describe.concurrent("createMockAgent() without a script", () => {
  it("answers every known action and makes the expected outputs that are missing", async () => {
    await using run = new Supervised(mockCmd());
    writeFileSync(join(run.workspace, "old.txt"), "mine");
    const expected_outputs = ["src/a.mjs", "old.txt"].map((path) => ({ path, required: true }));
    const built = await run.execute({ expected_outputs });
    assert.ok(built.kind === "terminal");
    const text = readFileSync(join(run.workspace, "src/a.mjs"), "utf8");
    assert.deepEqual(built.event.artifacts, [
      { path: "src/a.mjs", sha256: sha(text), size: text.length },
      { path: "old.txt", sha256: sha("mine"), size: 4 },
    ]);
    const ends: string[] = [];
    for (const action of ["implement_changes", "review", "update_spec"]) {
      const outcome = await run.execute({ action });
      if (outcome.kind === "terminal") ends.push(`${outcome.event.event}/${outcome.event.status}`);
    }
    assert.deepEqual(ends, [
      "builder.completed/success",
      "review.completed/approved",
      "spec.updated/success",
    ]);
    const unknown = await run.execute({ action: "dance" });
    assert.equal(unknown.kind === "terminal" && unknown.event.event, "error");
  });

  it("requests changes the given number of times, counted by the round, so that a restart does not begin again", async () => {
    const cmd = mockCmd({ reviewChangesCount: 2, specChangesCount: 1 });
    const asked = async (action: string, round: number): Promise<string> => {
      await using run = new Supervised(cmd);
      const outcome = await run.execute({ action, inputs: { round } });
      return outcome.kind === "terminal" ? `${outcome.event.event}/${outcome.event.status}` : outcome.message;
    };
    const answers = await Promise.all([
      asked("review", 1),
      asked("review", 2),
      asked("review", 3),
      asked("update_spec", 2),
    ]);
    assert.deepEqual(answers, [
      "review.completed/changes_requested",
      "review.completed/changes_requested",
      "review.completed/approved",
      "spec.updated/success",
    ]);
  });

  it("sends heartbeats that say whether it is busy", async () => {
    const cmd = mockCmd({
      heartbeatIntervalMs: 30,
      script: { responses: { implement: { delay_ms: 200, events: [{ type: "builder.completed" }] } } },
    });
    await using run = new Supervised(cmd);
    await run.execute();
    const beats = run.messages.filter((message) => message.kind === "heartbeat");
    assert.ok(beats.length >= 4);
    assert.equal(beats[0]?.status, "ready");
    assert.ok(beats.some(({ status, task_id }) => status === "busy" && task_id === "T-1"));
  });
});

describe.concurrent("createMockAgent() with a script", () => {
  it("writes artifacts for real and fills in what they are", async () => {
    const content = "export const a = 1;\n";
    const events = [
      { type: "artifact.produced", artifacts: [{ path: "src/deep/a.mjs", content }] },
      { type: "builder.completed", status: "success", payload: { tests: { status: "pass" } } },
    ];
    await using run = new Supervised(
      mockCmd({ script: { responses: { implement: { delay_ms: 5, events } } } }),
    );
    const outcome = await run.execute();
    assert.ok(outcome.kind === "terminal");
    assert.deepEqual(outcome.event.payload, { tests: { status: "pass" } });
    assert.equal(readFileSync(join(run.workspace, "src/deep/a.mjs"), "utf8"), content);
    const produced = run.messages.find((message) => message.kind === "event");
    assert.deepEqual(produced?.kind === "event" && produced.artifacts, [
      { path: "src/deep/a.mjs", sha256: sha(content), size: content.length },
    ]);
    assert.deepEqual(readdirSync(join(run.workspace, "src/deep")), ["a.mjs"]);
  });

  it("takes a list in turn, also over restarts and attempts; the last repeats", async () => {
    const script = {
      responses: {
        implement: [
          { crash: { after_events: 0, exit_code: 9 } },
          { events: [{ type: "builder.completed", status: "second" }] },
          { events: [{ type: "builder.completed", status: "third" }] },
        ],
      },
    };
    await using run = new Supervised(mockCmd({ script }));
    const answers: (string | undefined)[] = [];
    for (const [round, attempt] of [
      [1, 0],
      [1, 1],
      [2, 0],
      [3, 0],
    ] as const) {
      const outcome = await run.execute({ inputs: { round }, retry: { attempt, max_attempts: 3 } });
      answers.push(outcome.kind === "terminal" ? outcome.event.status : outcome.message);
    }
    assert.deepEqual(answers, [
      'Agent "builder" ended with status 9 before a terminal event',
      "second",
      "third",
      "third",
    ]);
  });

  it("says an artifact that leaves the workspace, and writes nothing there", async () => {
    const paths = ["../evil.txt", "/tmp/holdfast-evil.txt", "link/evil.txt"];
    const artifacts = paths.map((path) => ({ path, content: "evil" }));
    await using run = new Supervised(
      mockCmd({
        script: { responses: { implement: { events: [{ type: "builder.completed", artifacts }] } } },
      }),
    );
    const outside = join(run.workspace, "..", `${run.workspace.split("/").at(-1)}-outside`);
    mkdirSync(outside);
    symlinkSync(outside, join(run.workspace, "link"));
    const outcome = await run.execute();
    assert.ok(outcome.kind === "terminal");
    assert.deepEqual(
      outcome.event.artifacts?.map(({ path }) => path),
      paths,
    );
    assert.ok(!existsSync(join(run.workspace, "..", "evil.txt")) && !existsSync("/tmp/holdfast-evil.txt"));
    assert.deepEqual(readdirSync(outside), []);
    (await import("node:fs")).rmSync(outside, { recursive: true });
  });
});

describe.concurrent("every failure of a mock agent", () => {
  const done = { events: [{ type: "builder.progress" }, { type: "builder.completed", status: "success" }] };
  const scripts: [string, object, (run: Supervised, end: string) => void][] = [
    ["error", { error: "no luck" }, (_run, end) => assert.equal(end, "error/failed")],
    [
      "crash after an event",
      { ...done, crash: { after_events: 1, exit_code: 4 } },
      (run, end) => {
        assert.match(end, /status 4/);
        assert.deepEqual(run.events(), ["builder.progress"]);
      },
    ],
    [
      "hang",
      { ...done, hang: true },
      (run, end) => {
        assert.match(end, /no answer within/);
        assert.deepEqual(run.events(), ["builder.progress"]);
      },
    ],
    [
      "garbage",
      { ...done, garbage: "\u0000nonsense{" },
      (run, end) => {
        assert.equal(end, "builder.completed/success");
        assert.equal(run.problems("malformed").length, 1);
      },
    ],
    [
      "an oversized line",
      { ...done, oversized_bytes: 262_144 },
      (run, end) => {
        assert.equal(end, "builder.completed/success");
        assert.equal(run.problems("oversized")[0]?.fields?.["bytes"], 262_145);
      },
    ],
    [
      "a duplicate",
      { ...done, duplicate: true },
      (run, end) => {
        assert.equal(end, "builder.completed/success");
        assert.deepEqual(run.events(), ["builder.progress", "builder.completed"]);
      },
    ],
    [
      "a wrong correlation",
      { ...done, wrong_correlation: true },
      (run, end) => {
        assert.equal(end, "builder.completed/success");
        assert.equal(run.problems("wrong_correlation").length, 2);
      },
    ],
  ];
  it.each(scripts)("%s ends as it must", async (_name, response, check) => {
    await using run = new Supervised(mockCmd({ script: { responses: { implement: response } } }));
    const outcome = await run.execute({}, { timeoutMs: "hang" in response ? 2_500 : 20_000 });
    await run.supervisor.close();
    assert.equal(run.pids().length, 1);
    check(
      run,
      outcome.kind === "terminal" ? `${outcome.event.event}/${outcome.event.status}` : outcome.message,
    );
  });

  it("crashes before or after an event only for the attempts asked for; stops heartbeats", async () => {
    await using before = new Supervised(
      mockCmd({ failures: { crashBefore: "builder.completed", attempts: 1 } }),
    );
    assert.match(((await before.execute()) as { message: string }).message, /status 1/);
    assert.equal((await before.execute({ retry: { attempt: 1, max_attempts: 3 } })).kind, "terminal");
    await using after = new Supervised(mockCmd({ failures: { crashAfter: "*" } }));
    assert.equal((await after.execute()).kind, "terminal");
    await using silent = new Supervised({
      cmd: mockCmd({ heartbeatIntervalMs: 50, failures: { hang: true, stopHeartbeats: true } }),
      heartbeat_interval_s: 0.5,
    });
    const outcome = await silent.execute();
    assert.equal(outcome.kind === "failed" && outcome.code, "AGENT_HEARTBEAT");
  });
});
