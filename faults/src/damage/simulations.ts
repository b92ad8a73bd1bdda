import { join } from "node:path";
import { type Checkpoint, CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import { runSimulation, verifySimulation } from "@holdfast/simulation";
import { type FileStore, fileStore } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import type { DamagedFile } from "./damaged-file.ts";
import { DAMAGED, fileInStore, type LooksAtStore, told } from "./file-in-store.ts";

/** Refusals of checkpoints and results, and of states of runs. */
const REFUSALS = new RegExp(`${DAMAGED.source}|^CHECKPOINT_(?:NOT_JSON|SCHEMA|TURN|CHECKSUM|MISSING)$`);

/** Runs a short simulation to its end. */
async function completed(
  folder: string,
  compression: "none" | "zstd",
): Promise<{ root: string; id: string }> {
  const root = join(folder, "store");
  await using store = fileStore(root);
  const { run_id: id, status } = await runSimulation({
    store,
    config: {
      simulation: {
        name: "Paid",
        max_turns: 4,
        checkpoint_interval: 2,
        seed: 7,
        verbosity: "DETAIL",
        checkpoint_compression: compression,
      },
      agents: [{ name: "bidder" }],
      engine: { type: "here" },
    },
    engine: {
      init: (_config, ctx) => ({ wealth: 1000, drawn: ctx.random(), names: ["ä", "\u2028", "plain"] }),
      async step(state, ctx) {
        const price = await ctx.once("price", () => ctx.random.int(1, 100));
        return { ...state, wealth: Number(state["wealth"]) + price, drawn: ctx.random() };
      },
      summarize: (state) => ({ wealth: state["wealth"] }),
    },
    agents: { bidder: { decide: () => ({ action: "bid", amount: 3 }) } },
  });
  if (status !== "completed") throw new Error(`the simulation was to be completed, and is ${status}`);
  return { root, id };
}

/** What `holdfast verify` does about one simulation. */
async function verifyOne(store: FileStore, id: string): Promise<readonly string[]> {
  const whole = await verifyCheckpoints(store, id);
  return [...told(whole), ...told(await verifySimulation(store, id))];
}

function ofRun(
  name: string,
  promise: string,
  path: string,
  read: (store: FileStore, id: string) => ReturnType<LooksAtStore["read"]>,
  compression: "none" | "zstd" = "none",
): DamagedFile {
  const prepare: DamagedFile["prepare"] = async (folder) => {
    const { root, id } = await completed(folder, compression);
    return fileInStore(root, `runs/${id}/${path}`, {
      read: (store) => read(store, id),
      verify: (store) => verifyOne(store, id),
      prefix: `runs/${id}/`,
    });
  };
  return {
    name,
    promise,
    refusals: REFUSALS,
    otherValue: "bad",
    seal: name.startsWith("run state") ? "document_sha256" : "head_sha256",
    prepare,
  };
}

/** What a checkpoint says, but for the checksum of it. */
function withoutSeal({ head_sha256: _seal, ...rest }: Checkpoint): Omit<Checkpoint, "head_sha256"> {
  return rest;
}

const manager = (store: FileStore, id: string): CheckpointManager => new CheckpointManager(store, id, null);

/** What a simulation leaves. */
export const SIMULATION_FILES: readonly DamagedFile[] = [
  ofRun("checkpoint of a turn", "refused by its checksums", "checkpoints/turn_2.json", async (store, id) => {
    return withoutSeal((await manager(store, id).load(id, 2)).checkpoint);
  }),
  ofRun(
    "checkpoint (zstd)",
    "refused by its checksums",
    "checkpoints/turn_2.json.zst",
    async (store, id) => withoutSeal((await manager(store, id).load(id, 2)).checkpoint),
    "zstd",
  ),
  ofRun(
    "last checkpoint",
    "the newest whole one in its place, and said so",
    "checkpoints/last.json",
    async (store, id) => {
      const { checkpoint, fallback } = await manager(store, id).load(id, "last");
      if (fallback !== undefined) throw fallback;
      return withoutSeal(checkpoint);
    },
  ),
  ofRun("results of a simulation", "refused, or found by verify", "result.json", async (store, id) => {
    return manager(store, id).loadResults();
  }),
  ofRun("run state of a simulation", "refused, or found by verify", "run.json", (store, id) => {
    return runStore(store).load(id);
  }),
];
