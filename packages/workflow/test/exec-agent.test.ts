import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { Outcome } from "../src/index.ts";
import { execCmd, isRunning, Supervised } from "./supervised.ts";

const told = (outcome: Outcome): string =>
  outcome.kind === "terminal" ? `${outcome.event.event}/${outcome.event.status}` : outcome.code;

const payloadOf = async (script: string): Promise<unknown> => {
  await using run = new Supervised(execCmd("sh", "-c", script));
  const outcome = await run.execute({});
  assert.ok(outcome.kind === "terminal");
  return outcome.event.payload;
};

describe.concurrent("createExecAgent()", () => {
  it("gives the command its command on stdin and in the environment", async () => {
    const script =
      'cat > stdin.json; printf "%s" "$HOLDFAST_COMMAND" > env.json; printf "%s|%s|%s|%s|%s" "$HOLDFAST_ACTION" "$HOLDFAST_TASK_ID" "$HOLDFAST_GOAL" "$HOLDFAST_ROUND" "$HOLDFAST_INPUTS" > vars';
    await using run = new Supervised(execCmd("sh", "-c", script));
    assert.equal(told(await run.execute({ inputs: { goal: "it", round: 2 } })), "builder.completed/success");
    const read = (name: string): string => readFileSync(join(run.workspace, name), "utf8");
    assert.equal(read("vars"), 'implement|T-1|it|2|{"goal":"it","round":2}');
    assert.equal(JSON.parse(read("stdin.json")).inputs.goal, "it");
    assert.deepEqual(JSON.parse(read("env.json")), JSON.parse(read("stdin.json")));
    // A value that no variable can hold is on stdin only.
    await run.execute({ inputs: { goal: "g".repeat(200_000) } });
    assert.equal(JSON.parse(read("stdin.json")).inputs.goal.length, 200_000);
  });

  it("makes artifacts of what changed by content, and of nothing else", async () => {
    const script =
      "echo new > made.txt; echo more >> changed.txt; touch touched.txt; rm gone.txt; echo x > .hidden; mkdir -p node_modules && echo x > node_modules/x; echo out; echo err >&2";
    await using run = new Supervised(execCmd("sh", "-c", script));
    for (const name of ["changed.txt", "touched.txt", "gone.txt", "expected.txt"])
      writeFileSync(join(run.workspace, name), "old\n");
    const outcome = await run.execute({
      expected_outputs: [
        { path: "expected.txt", required: true },
        { path: "missing.txt", required: false },
      ],
    });
    assert.ok(outcome.kind === "terminal");
    assert.deepEqual(
      outcome.event.artifacts?.map(({ path }) => path),
      ["changed.txt", "made.txt", "expected.txt"],
    );
    assert.equal(outcome.event.artifacts?.[0]?.size, 9);
    assert.deepEqual(outcome.event.payload, { exit_status: 0, removed: ["gone.txt"], removed_count: 1 });
    await run.supervisor.close();
    assert.deepEqual(run.stderr.toSorted(), ["err", "out"]);
  });

  it("takes a last line of stdout with an outcome as the answer to a step of a job, and nothing else", async () => {
    const answer = '{"outcome":"STUCK","summary":"no key","cost":0.1}';
    const said = { outcome: "STUCK", summary: "no key", cost: 0.1 };
    assert.deepEqual(await payloadOf(`echo begin; echo '${answer}'; echo; echo done >&2`), {
      ...said,
      exit_status: 0,
    });
    assert.deepEqual(await payloadOf(`echo '${answer}'; echo end`), { exit_status: 0 });
    assert.deepEqual(await payloadOf(`echo '${answer}' >&2; echo '{"a":1}'`), { exit_status: 0 });
    const failed = (await payloadOf(`echo '${answer}'; exit 3`)) as Record<string, unknown>;
    assert.deepEqual([failed["outcome"], failed["cost"], failed["code"]], ["STUCK", 0.1, "COMMAND_FAILED"]);
  });

  it("turns the exit status into the terminal event of the action", async () => {
    const script =
      'if [ -n "$CHANGE" ]; then date +%N > doc.txt; fi; echo "said $HOLDFAST_ACTION"; exit $(printf "%s" "$HOLDFAST_GOAL")';
    const cases: [string, string, string][] = [
      ["implement", "0", "builder.completed/success"],
      ["implement_changes", "0", "builder.completed/success"],
      ["implement", "1", "error/failed"],
      ["review", "0", "review.completed/approved"],
      ["review", "1", "review.completed/changes_requested"],
      ["review", "2", "error/failed"],
      ["update_spec", "0", "spec.no_changes_needed/success"],
      ["lint", "0", "error/failed"],
    ];
    await using run = new Supervised(execCmd("sh", "-c", script));
    // Not a terminal event for this supervisor, which knows no flow: it would wait for one.
    for (const [action, goal, expected] of cases.slice(0, -1)) {
      const outcome = await run.execute({ action, inputs: { goal } });
      assert.equal(told(outcome), expected, `${action} ${goal}`);
      if (outcome.kind === "terminal" && outcome.event.event === "error") {
        assert.equal(outcome.event.payload["exit_status"], Number(goal));
        assert.equal(outcome.event.payload["output"], `said ${action}`);
      }
    }
    await using changing = new Supervised(
      { cmd: execCmd("sh", "-c", script), env: { CHANGE: "1" } },
      { terminalEvents: new Set(["spec.updated", "lint.completed"]) },
    );
    assert.equal(
      told(await changing.execute({ action: "update_spec", inputs: { goal: "0" } })),
      "spec.updated/success",
    );
    assert.equal(
      told(await changing.execute({ action: "lint", inputs: { goal: "0" } })),
      "lint.completed/success",
    );
  });

  it("says that a command is not there", async () => {
    await using run = new Supervised(execCmd("holdfast-no-such-command"));
    const outcome = await run.execute();
    assert.ok(outcome.kind === "terminal");
    assert.equal(outcome.event.payload["code"], "AGENT_SPAWN");
  });

  it("ends with the command it runs and its children", async () => {
    await using run = new Supervised(execCmd("sh", "-c", "sleep 60 & echo $! > pids; echo $$ >> pids; wait"));
    const outcome = await run.execute({}, { timeoutMs: 3_000 });
    assert.equal(told(outcome), "AGENT_TIMEOUT");
    const pids = readFileSync(join(run.workspace, "pids"), "utf8").trim().split("\n").map(Number);
    assert.equal(pids.length, 2);
    for (const pid of pids) assert.equal(await isRunning(pid), false);
  });

  it("names thousands of artifacts in several events", async () => {
    await using run = new Supervised(
      execCmd(
        "sh",
        "-c",
        "i=0; while [ $i -lt 3000 ]; do : > many/file-with-a-long-name-$i.txt; i=$((i+1)); done",
      ),
    );
    mkdirSync(join(run.workspace, "many"));
    assert.equal(told(await run.execute()), "builder.completed/success");
    const paths = run.messages.flatMap((message) =>
      message.kind === "event" ? (message.artifacts ?? []) : [],
    );
    assert.equal(new Set(paths.map(({ path }) => path)).size, 3_000);
    assert.ok(run.events().length > 1);
  });
});
