import { CheckpointManager } from "@holdfast/checkpoint";
import { type MessageInput, openLedger } from "@holdfast/ledger";
import { snapshotIdOf, snapshotStore } from "@holdfast/snapshot";
import type { Store } from "@holdfast/storage";
import { jobStore, recordReceipt, runStore, taskStore } from "@holdfast/task-store";
import { eventLine, idOf, type World } from "./world.ts";

const HASH = `sha256:${"ab".repeat(32)}`;
const FILES = [{ path: "a.mjs", sha256: HASH, size: 1, mtime: "2026-01-02T03:04:05.000000Z" }];

/** Ids of what {@link fillStore} put there. */
export const IDS = {
  simulation_id: "sim",
  event_id: idOf(12),
  run_id: "sim",
  workflow: "flow",
  turn: "5",
  task_id: "task-duration-1234abcd",
  job_id: "job-1",
  id: snapshotIdOf(FILES),
} as const;

/** Puts at least one of everything that routes answer with into a store. */
export async function fillStore(here: World): Promise<void> {
  const { store } = here;
  await store.create();
  here.write(
    "runs/sim/events_2026-01-01_00-00-00.jsonl",
    Array.from({ length: 10 }, (_, number) => eventLine(number)).join(""),
  );
  here.write(
    "runs/sim/events.jsonl",
    `${eventLine(10, { event_type: "MILESTONE", agent_id: null, details: undefined, milestone_type: "turn_start" })}not json\n${eventLine(11)}${eventLine(12, { caused_by: [idOf(11), "unknown"] })}${eventLine(13, { caused_by: [idOf(12)] })}${eventLine(14, { event_type: "STATE", details: { variable_name: "v", old_value: 1, new_value: null } })}`,
  );
  const runs = runStore(store);
  await runs.create({
    run_id: "sim",
    kind: "simulation",
    name: "Sim",
    config_snapshot: { seed: 1 },
    turn: 0,
  });
  const checkpoints = new CheckpointManager(store, "sim", 5);
  await checkpoints.save({ turn: 5, total: 1 }, "interval", { random: [1, 2, 3, 4] });
  await checkpoints.save({ turn: 6, total: 2 }, "last");
  await fillWorkflow(store);
  const tasks = taskStore(store);
  await tasks.save({
    task_id: IDS.task_id,
    spec: { task_spec_id: "duration", request: "r", hints: [], files: [], overrides: {}, metadata: {} },
    lifecycle: "queued",
    status: "pending",
    created_at: "2026-01-02T03:04:05.000000Z",
    updated_at: "2026-01-02T03:04:05.000000Z",
  });
  const jobs = jobStore(store);
  await jobs.create({ job_id: "job-1", description: "do it" });
  await jobs.transition("job-1", "activate", { by: "me" });
  await snapshotStore(store).save({
    schema: "holdfast/snapshot-manifest/v1",
    snapshot_id: IDS.id,
    created_at: "2026-01-02T03:04:05.000000Z",
    workspace_root: "./",
    files: FILES,
  });
}

async function fillWorkflow(store: Store): Promise<void> {
  await runStore(store).create({
    run_id: "flow",
    kind: "workflow",
    name: "Flow",
    task_id: "T-1",
    config_snapshot: {
      config_path: "/home/somebody/project/flow.yaml",
      flow: { start: "a", stages: { a: { on: { "custom.done/ok": "done" } } } },
    },
  });
  await runStore(store).fail("flow", {
    code: "X",
    message: 'Cannot read "/home/somebody/project/a.mjs": gone',
  });
  await store.work.offer("runs", "flow", {});
  const [fence] = await store.work.claim("runs", "test", { id: "flow" });
  if (fence === undefined) throw new Error("not claimed");
  const ledger = await openLedger(store, "flow", { fence });
  await ledger.append(command(1));
  await ledger.append({
    kind: "heartbeat",
    agent: { agent_type: "builder", agent_id: "b-1" },
    seq: 7,
    status: "busy",
    pid: 1,
    uptime_s: 1,
    last_activity_at: "2026-01-02T03:04:05.000000Z",
  });
  await ledger.append({
    kind: "event",
    message_id: "e-1",
    correlation_id: "c-1",
    task_id: "T-1",
    from: { agent_type: "builder" },
    event: "custom.done",
    status: "ok",
    occurred_at: "2026-01-02T03:04:05.000000Z",
  });
  await ledger.append(command(2));
  await ledger.append({
    kind: "log",
    level: "info",
    message: "hello",
    timestamp: "2026-01-02T03:04:05.000000Z",
  });
  await ledger.close();
  await recordReceipt(
    store,
    "flow",
    {
      task_id: "T-1",
      step: 1,
      action: "implement",
      idempotency_key: `ik:${"0".repeat(64)}`,
      snapshot_id: "snap-0123456789ab",
      command_message_id: "m-1",
      correlation_id: "c-1",
      artifacts: [],
      events: ["e-1"],
      created_at: "2026-01-02T03:04:05.000000Z",
    },
    { fence },
  );
  await store.work.settle(fence, "ready");
}

function command(number: number): MessageInput {
  return {
    kind: "command",
    message_id: `m-${number}`,
    correlation_id: `c-${number}`,
    task_id: "T-1",
    idempotency_key: `ik:${"0".repeat(64)}`,
    to: { agent_type: "builder" },
    action: "implement",
    inputs: {},
    expected_outputs: [],
    version: { snapshot_id: "snap-0123456789ab" },
    deadline: "2026-01-02T03:04:05.000000Z",
    retry: { attempt: 0, max_attempts: 1 },
    priority: 0,
  };
}
