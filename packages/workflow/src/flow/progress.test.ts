import assert from "node:assert/strict";
import type { Command, LedgerEvent, Message } from "@holdfast/ledger";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { defaultFlow, type Flow, nextTarget } from "./flow.ts";
import { type Move, nextMove } from "./next-move.ts";
import { ORCHESTRATOR, type ProgressRecord, RunProgress, type Step } from "./progress.ts";
import { progressOfState, progressStateSchema, stateOfProgress } from "./progress-state.ts";

const flowFor = (...agents: string[]): Flow => defaultFlow(new Set(agents)) ?? assert.fail("no flow");
const FLOW = flowFor("builder", "reviewer", "spec_maintainer");
const AT = "2026-01-02T03:04:05.000000Z";
const MAX_ROUNDS = 3;
const MAX_ATTEMPTS = 3;

/** What an agent may answer, for each action. */
const ANSWERS: Record<string, readonly { event: string; status?: string; code?: string; fatal?: true }[]> = {
  implement: [{ event: "builder.completed", status: "success" }],
  implement_changes: [{ event: "builder.completed" }],
  review: [
    { event: "review.completed", status: "approved" },
    { event: "review.completed", status: "changes_requested" },
  ],
  update_spec: [
    { event: "spec.updated" },
    { event: "spec.no_changes_needed" },
    { event: "spec.changes_requested" },
  ],
};
const FAILURES = [
  { event: "error", code: "AGENT_CRASHED" },
  { event: "error", code: "version_mismatch" },
  { event: "error", code: "AGENT_SPAWN", fatal: true as const },
];

/** A run without agents and disk: what happens is decided by a list of numbers. */
class Machine {
  readonly records: ProgressRecord[] = [];
  readonly progress = new RunProgress(FLOW);
  readonly receipts = new Set<number>();
  readonly moves: Move[] = [];
  #ids = 0;

  add(message: Message): void {
    const record = { seq: this.records.length + 1, message };
    this.records.push(record);
    this.progress.apply(record);
  }

  remark(fields: Record<string, unknown>): void {
    this.add({
      kind: "log",
      level: "info",
      message: "",
      fields: { by: ORCHESTRATOR, ...fields },
      timestamp: AT,
    });
  }

  next(): Move {
    const options = { maxRounds: MAX_ROUNDS, hasReceipt: (step: Step) => this.receipts.has(step.step) };
    return nextMove(this.progress, options);
  }

  command(stage: string, correlation: string | undefined, attempt: number, maxAttempts: number): Command {
    this.#ids += 1;
    const { agent, action } = FLOW.stages[stage] ?? assert.fail(stage);
    return {
      kind: "command",
      message_id: `m${this.#ids}`,
      correlation_id: correlation ?? `c${this.#ids}`,
      task_id: "T",
      idempotency_key: `ik:${"0".repeat(64)}`,
      to: { agent_type: agent },
      action,
      inputs: {},
      expected_outputs: [],
      version: { snapshot_id: "snap-000000000000" },
      deadline: AT,
      retry: { attempt, max_attempts: maxAttempts },
      priority: 0,
    };
  }

  event(step: Step, said: { event: string; status?: string; code?: string; fatal?: true }): LedgerEvent {
    this.#ids += 1;
    return {
      kind: "event",
      message_id: `m${this.#ids}`,
      correlation_id: step.correlationId,
      task_id: "T",
      from: { agent_type: said.event === "error" ? ORCHESTRATOR : step.agent },
      event: said.event,
      ...(said.status === undefined ? {} : { status: said.status }),
      payload: {
        ...(said.code === undefined ? {} : { code: said.code }),
        ...(said.fatal === undefined ? {} : { fatal: true }),
      },
      occurred_at: AT,
    };
  }

  /** Makes one move; `choice` decides what the agent does, or whether the process dies before it answers. */
  step(choice: number): boolean {
    const move = this.next();
    this.moves.push(move);
    if (move.kind === "complete" || move.kind === "fail") return false;
    if (move.kind === "settle") {
      this.receipts.add(move.step.step);
      return true;
    }
    const { progress } = this;
    if (move.kind === "plan")
      this.add(this.command(move.stage, undefined, move.attempt, move.maxAttempts ?? MAX_ATTEMPTS));
    else {
      const attempt = move.kind === "retry" ? move.attempt : move.step.attempt;
      this.add(this.command(move.step.stage, move.step.correlationId, attempt, move.step.maxAttempts));
    }
    const current = progress.current ?? assert.fail("no step");
    const answers = [...(ANSWERS[current.action] ?? []), ...FAILURES, undefined];
    const said = answers[choice % answers.length];
    if (said !== undefined) this.add(this.event(current, said));
    return true;
  }
}

const choices = fc.array(fc.nat(20), { maxLength: 80 });

function play(numbers: readonly number[]): Machine {
  const machine = new Machine();
  machine.remark({ run: "started" });
  for (const number of numbers) {
    if (number === 20) {
      machine.remark({ run: "resumed" });
      const finished = machine.progress.effective.filter(
        (step) => machine.progress.targetOf(step) !== undefined,
      );
      const back = finished.at(-1);
      if (back !== undefined && number % 2 === 0) machine.remark({ rewind_to_step: back.step });
    } else if (!machine.step(number)) break;
  }
  return machine;
}

const shape = (progress: RunProgress): unknown =>
  JSON.parse(
    JSON.stringify({
      lastSeq: progress.lastSeq,
      lastCommandId: progress.lastCommandId,
      lastEventId: progress.lastEventId,
      ended: progress.ended,
      started: progress.started,
      roundsForgiven: [...progress.roundsForgiven],
      terminalByAgent: [...progress.terminalByAgent],
      rounds: [...progress.rounds],
      steps: progress.steps.map((step) => ({ ...step, artifacts: [...step.artifacts] })),
    }),
  );

describe("RunProgress", () => {
  it("is the same after a replay of the ledger as it was while the ledger grew, at every line", () => {
    fc.assert(
      fc.property(choices, (numbers) => {
        const { records, progress } = play(numbers);
        const live = new RunProgress(FLOW);
        for (const [index, record] of records.entries()) {
          live.apply(record);
          if (index % 7 !== 0 && index !== records.length - 1) continue;
          const replayed = new RunProgress(FLOW);
          for (const earlier of records.slice(0, index + 1)) replayed.apply(earlier);
          assert.deepEqual(shape(replayed), shape(live));
        }
        assert.deepEqual(shape(live), shape(progress));
      }),
    );
  });

  it("is the same when it is kept after any line, and goes on from there", () => {
    fc.assert(
      fc.property(choices, fc.nat(), (numbers, at) => {
        const { records, progress } = play(numbers);
        const kept = at % (records.length + 1);
        const before = new RunProgress(FLOW);
        for (const record of records.slice(0, kept)) before.apply(record);
        const text = JSON.stringify(stateOfProgress(before, () => false));
        const after = progressOfState(FLOW, progressStateSchema.parse(JSON.parse(text)));
        assert.deepEqual(shape(after), shape(before));
        for (const record of records.slice(kept)) after.apply(record);
        assert.deepEqual(shape(after), shape(progress));
        assert.equal(after.reopenedAt, progress.reopenedAt);
      }),
    );
  });

  it("follows the flow: each new step is where the step before it leads, never twice for one ending", () => {
    fc.assert(
      fc.property(choices, (numbers) => {
        const { progress } = play(numbers);
        let before: Step | undefined;
        for (const step of progress.effective) {
          const from = before?.settledBy;
          const expected = from === undefined ? FLOW.start : nextTarget(FLOW, before?.stage ?? "", from);
          assert.equal(step.stage, expected);
          assert.equal(step.action, FLOW.stages[step.stage]?.action);
          before = step;
        }
      }),
    );
  });

  it("never gives a step more attempts than it has, nor a stage more rounds", () => {
    fc.assert(
      fc.property(choices, (numbers) => {
        const { progress } = play(numbers);
        for (const step of progress.steps) {
          assert.ok(step.attempt < step.maxAttempts);
          assert.ok(step.round <= MAX_ROUNDS);
        }
        const places = progress.steps
          .filter((step) => step.discarded === undefined)
          .map((step) => `${step.stage} ${step.round}`);
        assert.equal(new Set(places).size, places.length);
      }),
    );
  });

  it("comes to an end when agents answer", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(19)), (stream) => {
        const machine = new Machine();
        let moves = 0;
        for (const number of stream) {
          if (!machine.step(number)) return;
          moves += 1;
          assert.ok(moves < 5_000, "it goes on for ever");
        }
      }),
    );
  });
});

const answer = (
  machine: Machine,
  said: { event: string; status?: string; code?: string; fatal?: true },
): void => {
  const move = machine.next();
  if (move.kind === "plan")
    machine.add(machine.command(move.stage, undefined, move.attempt, move.maxAttempts ?? MAX_ATTEMPTS));
  else if (move.kind === "retry")
    machine.add(
      machine.command(move.step.stage, move.step.correlationId, move.attempt, move.step.maxAttempts),
    );
  else assert.equal(move.kind, "send");
  machine.add(machine.event(machine.progress.current ?? assert.fail(), said));
  if (said.event !== "error") machine.receipts.add(machine.progress.current?.step ?? 0);
};
const stages = (machine: Machine): string[] => machine.progress.effective.map((step) => step.stage);

describe("nextMove()", () => {
  it("goes the default loop: changes asked for by the reviewer and by the spec maintainer lead back through review", () => {
    const machine = new Machine();
    const built = { event: "builder.completed", status: "success" };
    answer(machine, built);
    answer(machine, { event: "review.completed", status: "changes_requested" });
    answer(machine, built);
    answer(machine, { event: "review.completed", status: "approved" });
    answer(machine, { event: "spec.changes_requested" });
    answer(machine, built);
    answer(machine, { event: "review.completed", status: "approved" });
    answer(machine, { event: "spec.no_changes_needed" });
    assert.equal(machine.next().kind, "complete");
    assert.deepEqual(stages(machine), [
      "implement",
      "review",
      "implement_changes",
      "review",
      "spec_maintain",
      "implement_changes",
      "review",
      "spec_maintain",
    ]);
    assert.deepEqual(
      machine.progress.effective.map((step) => step.round),
      [1, 1, 1, 2, 1, 2, 3, 2],
    );
  });

  it("tries a failed step again under its correlation id, then fails the run; taken up again, it has as many attempts more", () => {
    const machine = new Machine();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1)
      answer(machine, { event: "error", code: "AGENT_CRASHED" });
    const failed = machine.next();
    assert.deepEqual([failed.kind, failed.kind === "fail" && failed.code], ["fail", "WORKFLOW_STEP_FAILED"]);
    assert.equal(machine.progress.steps.length, 1);
    machine.remark({ run: "failed" });
    machine.remark({ run: "resumed", more_attempts: 2 });
    answer(machine, { event: "error", code: "AGENT_CRASHED" });
    assert.equal(machine.progress.current?.maxAttempts, 5);
    answer(machine, { event: "builder.completed" });
    assert.equal(machine.next().kind, "plan");
  });

  it("plans a step again on a fresh snapshot when the workspace had changed, as one of its attempts", () => {
    const machine = new Machine();
    answer(machine, { event: "builder.completed" });
    answer(machine, { event: "error", code: "version_mismatch" });
    const move = machine.next();
    assert.deepEqual(move.kind === "plan" && [move.stage, move.round, move.attempt], ["review", 1, 1]);
    answer(machine, { event: "review.completed", status: "approved" });
    assert.deepEqual(
      machine.progress.steps.map((step) => step.discarded),
      [undefined, "replanned", undefined],
    );
    assert.deepEqual(stages(machine), ["implement", "review"]);
  });

  it("ends a loop that never ends", () => {
    const machine = new Machine();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      answer(machine, { event: "builder.completed" });
      answer(machine, { event: "review.completed", status: "changes_requested" });
    }
    answer(machine, { event: "builder.completed" });
    const move = machine.next();
    assert.deepEqual([move.kind, move.kind === "fail" && move.code], ["fail", "WORKFLOW_ROUNDS_EXCEEDED"]);
  });

  it("does not try again what cannot help", () => {
    const machine = new Machine();
    answer(machine, { event: "error", code: "AGENT_SPAWN", fatal: true });
    assert.equal(machine.next().kind, "fail");
  });

  it("takes a remark of an agent for nothing", () => {
    const machine = new Machine();
    answer(machine, { event: "builder.completed" });
    machine.add({
      kind: "log",
      level: "info",
      message: "",
      fields: { rewind_to_step: 1, run: "completed" },
      timestamp: AT,
    });
    assert.deepEqual(stages(machine), ["implement"]);
    assert.equal(machine.progress.ended, undefined);
  });
});

describe("defaultFlow()", () => {
  it("leaves out stages whose agents are not there", () => {
    assert.equal(defaultFlow(new Set(["reviewer"])), undefined);
    assert.deepEqual(Object.keys(defaultFlow(new Set(["builder"]))?.stages ?? {}), ["implement"]);
    assert.equal(
      nextTarget(flowFor("builder", "reviewer"), "review", {
        event: "review.completed",
        status: "approved",
      }),
      "done",
    );
    assert.equal(
      nextTarget(flowFor("builder", "spec_maintainer"), "implement", {
        event: "builder.completed",
      }),
      "spec_maintain",
    );
  });

  it("fails when the builder says it failed", () => {
    assert.equal(nextTarget(FLOW, "implement", { event: "builder.completed", status: "failed" }), "failed");
    assert.equal(
      nextTarget(FLOW, "implement", { event: "builder.completed", status: "constructor" }),
      "review",
    );
    assert.equal(nextTarget(FLOW, "review", { event: "constructor" }), undefined);
  });
});
