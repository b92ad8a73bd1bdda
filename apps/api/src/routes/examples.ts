/** Answers that the OpenAPI document shows; a test checks each against its schema. */

const RUN_ID = "EconomicTest_2agents_20260102_030405_01";

export const eventExample = {
  event_id: "01KDZ0Q7E3Z3J8Q9T4V5W6X7Y8",
  timestamp: "2026-01-02T03:04:06.000001Z",
  turn_number: 1,
  event_type: "ACTION",
  simulation_id: RUN_ID,
  agent_id: "Nation_A",
  caused_by: ["01KDZ0Q7E2M9N8P7Q6R5S4T3V2"],
  details: { action_type: "invest", action_payload: { amount: 50 } },
} as const;

export const causeExample = {
  event_id: "01KDZ0Q7E2M9N8P7Q6R5S4T3V2",
  timestamp: "2026-01-02T03:04:06.000000Z",
  turn_number: 1,
  event_type: "DECISION",
  simulation_id: RUN_ID,
  agent_id: "Nation_A",
  details: { decision_type: "invest", old_value: 0, new_value: 50 },
} as const;

export const summaryExample = {
  id: RUN_ID,
  name: "EconomicTest",
  start_time: "2026-01-02T03:04:05.123456Z",
  event_count: 128,
} as const;

export const runStateExample = {
  schema: "holdfast/run-state/v1",
  run_id: RUN_ID,
  kind: "simulation",
  name: "EconomicTest",
  status: "completed",
  turn: 15,
  started_at: "2026-01-02T03:04:05.123456Z",
  updated_at: "2026-01-02T03:04:09.000000Z",
  completed_at: "2026-01-02T03:04:09.000000Z",
  terminal_events: {},
  config_snapshot: { kind: "simulation", engine: { module: ".../engine.mjs" } },
  attempts: 1,
  revision: 18,
} as const;

export const checkpointExample = {
  schema: "holdfast/checkpoint/v1",
  turn: 5,
  checkpoint_type: "interval",
  state: { turn: 5, total: 2050 },
  timestamp: "2026-01-02T03:04:07.000000Z",
  state_sha256: "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
} as const;

export const ledgerLineExample = {
  kind: "event",
  message_id: "m-2",
  correlation_id: "step-1",
  task_id: "T-0042",
  from: { agent_type: "builder" },
  event: "builder.completed",
  status: "success",
  payload: {},
  occurred_at: "2026-01-02T03:10:00.000000Z",
  seq: 2,
  fence: 1,
  chain: "0f3a9c5e7b1d2846a0c4e8f2b6d01937c5a9e3f7b1d5092846ace0f3b7d91526",
} as const;

export const receiptExample = {
  schema: "holdfast/receipt/v1",
  task_id: "T-0042",
  step: 1,
  action: "implement",
  idempotency_key: "ik:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
  snapshot_id: "snap-0123456789ab",
  command_message_id: "m-1",
  correlation_id: "step-1",
  artifacts: [
    {
      path: "src/duration.mjs",
      sha256: "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
      size: 20,
    },
  ],
  events: ["m-2"],
  created_at: "2026-01-02T03:10:00.000000Z",
} as const;

export const taskExample = {
  task_id: "task-duration-1234abcd",
  status: "in_progress",
  pipeline_id: "build-and-review",
  created_at: "2026-01-02T03:04:05.123456Z",
  updated_at: "2026-01-02T03:04:09.000000Z",
  spec: {
    task_spec_id: "duration",
    request: "Add a parser for RFC 3339 durations",
    mode: "implementation",
    priority: 1,
    hints: [],
    files: [],
    overrides: {},
    metadata: {},
  },
  lifecycle: "active",
} as const;

export const taskMetadataExample = {
  task_id: "task-duration-1234abcd",
  status: "in_progress",
  pipeline_id: "build-and-review",
  created_at: "2026-01-02T03:04:05.123456Z",
  updated_at: "2026-01-02T03:04:09.000000Z",
} as const;

export const jobExample = {
  schema: "holdfast/job-manifest/v1",
  job_id: "job-20260102-030405-1234abcd",
  description: "Add a parser for RFC 3339 durations",
  status: "PENDING",
  current_phase: "work",
  phases: [
    { name: "work", active_agent: "worker" },
    { name: "review", active_agent: "supervisor" },
  ],
  metrics: { cumulative_cost: 0, cumulative_time_seconds: 0 },
  history: [
    {
      timestamp: "2026-01-02T03:04:05.123456Z",
      phase: "work",
      status: "PENDING",
      action: "activate",
      from: "DRAFT",
    },
  ],
  revision: 2,
} as const;

export const snapshotExample = {
  schema: "holdfast/snapshot-manifest/v1",
  snapshot_id: "snap-0123456789ab",
  created_at: "2026-01-02T03:04:05.123456Z",
  workspace_root: "./",
  files: [
    {
      path: "src/duration.mjs",
      sha256: "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
      size: 20,
      mtime: "2026-01-02T03:00:00.000000Z",
      mode: "0644",
    },
  ],
} as const;
