import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointManager } from "@holdfast/checkpoint";
import { eventLog, openEventStream } from "@holdfast/events";
import { openLedger, readLedger } from "@holdfast/ledger";
import { runSimulation } from "@holdfast/simulation";
import { takeSnapshot } from "@holdfast/snapshot";
import { fileStore, type Store } from "@holdfast/storage";
import { jobStore, runStore, taskStore } from "@holdfast/task-store";

/** Something that is done with more and more items. */
export interface GrowthJob {
  readonly name: string;
  /** What there are more and more of. */
  readonly items: string;
  /** How many at first; then ten and a hundred times as many. */
  readonly first: number;
  /** Whether it holds no list of them: then memory must not grow with their number. */
  readonly isFlat: boolean;
  /** Whether it changes nothing: then it is done twice, and the second time counts, when its code is compiled. */
  readonly isRead: boolean;
  /** What it needs there to be, besides; not measured. */
  readonly prepare?: (root: string, count: number) => void;
  /** Does it, in a folder in which the jobs above it have been done with as many items. Gives how many items it saw. */
  readonly run: (root: string, count: number) => Promise<number>;
}

const RUN = "run-20260102-030405-0001abff";

async function withStore<T>(root: string, work: (store: Store) => Promise<T>): Promise<T> {
  await using store = fileStore(join(root, "store"));
  return await work(store);
}

async function appendMessages(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    await using ledger = await openLedger(store, RUN);
    const version = { snapshot_id: "snap-0123456789ab" };
    const deadline = "2026-01-02T04:04:05.000000Z";
    for (let from = 0; from < count; from += 256) {
      const appends: Promise<unknown>[] = [];
      for (let at = from; at < Math.min(count, from + 256); at++) {
        const task = { task_id: "T-0042", message_id: `m-${at}`, correlation_id: `step-${at >> 1}` };
        const append =
          at % 2 === 0
            ? ledger.append({
                kind: "command",
                ...task,
                idempotency_key: `ik:${"0".repeat(64)}`,
                to: { agent_type: "builder" },
                action: "implement",
                inputs: { goal: "Add a parser" },
                expected_outputs: [],
                version,
                deadline,
                retry: { attempt: 0, max_attempts: 3 },
                priority: 0,
              })
            : ledger.append({
                kind: "event",
                ...task,
                from: { agent_type: "builder" },
                event: "builder.completed",
                occurred_at: "2026-01-02T03:10:00.000000Z",
              });
        appends.push(append);
      }
      await Promise.all(appends);
    }
    return count;
  });
}

async function replayMessages(root: string): Promise<number> {
  return withStore(root, async (store) => {
    let seen = 0;
    for await (const { seq } of readLedger(store, RUN).replay()) seen += seq > 0 ? 1 : 0;
    return seen;
  });
}

async function emitEvents(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    const stream = await openEventStream(store, "sim", { verbosity: "DETAIL", onFull: "wait" });
    for (let at = 0; at < count; at++) {
      if (at % 16 === 0) await stream.ready();
      stream.emit({
        event_type: "STATE",
        turn_number: at >> 7,
        agent_id: `agent-${at % 10}`,
        details: { variable_name: "price", old_value: at, new_value: at + 1 },
      });
    }
    await stream.close();
    return count;
  });
}

async function makeTurns(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    const { turn } = await runSimulation({
      store,
      config: {
        simulation: {
          name: "Growth",
          max_turns: count,
          checkpoint_interval: 10,
          seed: 1,
          verbosity: "ACTION",
        },
        agents: [{ name: "a" }],
        engine: { type: "bench" },
      },
      engine: { init: () => ({ note: "x".repeat(1000) }), step: (state) => state },
    });
    return turn;
  });
}

async function saveCheckpoints(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    const manager = new CheckpointManager(store, "many", 1);
    for (let turn = 1; turn <= count; turn++) await manager.save({ turn, note: "x".repeat(100) }, "interval");
    return count;
  });
}

async function saveTasks(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    const tasks = taskStore(store);
    for (let at = 0; at < count; at++) {
      const id = `task-many-${String(at).padStart(8, "0")}`;
      const saved = await tasks.save({
        task_id: id,
        status: "pending",
        lifecycle: "queued",
        pipeline_id: null,
        created_at: "2026-01-02T03:04:05Z",
        updated_at: "2026-01-02T03:04:05Z",
        spec: { task_spec_id: "many", request: "Add a parser" },
      });
      if (!saved.ok) throw new Error(saved.error.message);
    }
    return count;
  });
}

async function listTasks(root: string): Promise<number> {
  return withStore(root, async (store) => {
    const listed = await taskStore(store).list("many");
    return listed.ok ? listed.value.length : 0;
  });
}

async function createJobs(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    const jobs = jobStore(store);
    for (let at = 0; at < count; at++) await jobs.create({ description: `Add parser ${at}` });
    return count;
  });
}

async function listJobs(root: string): Promise<number> {
  return withStore(root, async (store) => (await Array.fromAsync(jobStore(store).list())).length);
}

async function createRuns(root: string, count: number): Promise<number> {
  return withStore(root, async (store) => {
    const runs = runStore(store);
    for (let at = 0; at < count; at++) {
      const run_id = `run-20260103-030405-${at.toString(16).padStart(8, "0")}`;
      await runs.create({ run_id, kind: "workflow", name: "many", config_snapshot: { name: "many" } });
    }
    return count;
  });
}

async function listRuns(root: string): Promise<number> {
  return withStore(root, async (store) => {
    let seen = 0;
    for await (const { name } of runStore(store).list()) seen += name === "many" ? 1 : 0;
    return seen;
  });
}

function writeTree(root: string, count: number): void {
  for (let at = 0; at < count; at++) {
    const folder = join(root, "tree", "src", `module-${Math.floor(at / 50)}`);
    if (at % 50 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${at}.ts`), `export const n = ${at};\n`.repeat(20));
  }
}

async function snapshotTree(root: string): Promise<number> {
  return withStore(root, async (store) => {
    const manifest = await takeSnapshot(join(root, "tree"), { store, contents: false });
    return manifest.files.length;
  });
}

/** In the order in which they are done. */
export const GROWTH_JOBS: readonly GrowthJob[] = [
  {
    name: "append to a ledger",
    items: "messages",
    first: 1_000,
    isFlat: true,
    isRead: false,
    run: appendMessages,
  },
  {
    name: "replay a ledger",
    items: "messages",
    first: 1_000,
    isFlat: true,
    isRead: true,
    run: replayMessages,
  },
  {
    name: "summarize a ledger",
    items: "messages",
    first: 1_000,
    isFlat: true,
    isRead: true,
    run: (root) =>
      withStore(root, async (store) => {
        const { counts } = await readLedger(store, RUN).summarize();
        return Object.values(counts).reduce((sum, each) => sum + each, 0);
      }),
  },
  {
    name: "verify a ledger",
    items: "messages",
    first: 1_000,
    isFlat: true,
    isRead: true,
    run: (root) => withStore(root, async (store) => (await readLedger(store, RUN).verifyChain()).lines),
  },
  {
    name: "open a ledger",
    items: "messages",
    first: 1_000,
    isFlat: true,
    isRead: true,
    run: (root) =>
      withStore(root, async (store) => {
        await using ledger = await openLedger(store, RUN);
        return ledger.head.seq;
      }),
  },
  { name: "emit events", items: "events", first: 10_000, isFlat: true, isRead: false, run: emitEvents },
  {
    name: "index events, first page",
    items: "events",
    first: 10_000,
    isFlat: true,
    isRead: false,
    run: (root) =>
      withStore(root, async (store) => {
        const { total } = await eventLog(store, "sim").query({ event_types: ["STATE"], limit: 100 });
        return total;
      }),
  },
  { name: "simulate", items: "turns", first: 10, isFlat: true, isRead: false, run: makeTurns },
  {
    name: "save checkpoints",
    items: "checkpoints",
    first: 10,
    isFlat: true,
    isRead: false,
    run: saveCheckpoints,
  },
  {
    name: "list checkpoints",
    items: "checkpoints",
    first: 10,
    isFlat: false,
    isRead: true,
    run: (root) =>
      withStore(root, async (store) => (await new CheckpointManager(store, "many", 1).list()).length),
  },
  { name: "save tasks", items: "tasks", first: 10, isFlat: true, isRead: false, run: saveTasks },
  { name: "list tasks", items: "tasks", first: 10, isFlat: false, isRead: true, run: listTasks },
  { name: "create jobs", items: "jobs", first: 10, isFlat: true, isRead: false, run: createJobs },
  { name: "list jobs", items: "jobs", first: 10, isFlat: false, isRead: true, run: listJobs },
  { name: "create runs", items: "runs", first: 10, isFlat: true, isRead: false, run: createRuns },
  { name: "list runs", items: "runs", first: 10, isFlat: false, isRead: true, run: listRuns },
  {
    name: "snapshot a tree",
    items: "files",
    first: 200,
    isFlat: false,
    isRead: false,
    prepare: writeTree,
    run: snapshotTree,
  },
  { name: "snapshot it again", items: "files", first: 200, isFlat: false, isRead: true, run: snapshotTree },
];
