import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore } from "@holdfast/storage";
import { describe, it } from "vitest";
import {
  type AgentSupervisor,
  describeRun,
  type Outcome,
  type SupervisorOptions,
  verifyRun,
} from "../src/index.ts";
import { World } from "./world.ts";

const SUMMARY_BYTES = 128 * 1024;
/** So long that the ledger is much more than what a look at one line of it reads. */
const TEXT = "x".repeat(800);

/** Agents of which the first never ends: it says much, and then nothing more. */
function talkative(inner: (options: SupervisorOptions) => AgentSupervisor, lines: number) {
  let isFirst = true;
  return (options: SupervisorOptions): AgentSupervisor => {
    const supervisor = inner(options);
    return {
      ...supervisor,
      close: () => supervisor.close(),
      execute: async (agent, command, executeOptions): Promise<Outcome> => {
        if (!isFirst) return supervisor.execute(agent, command, executeOptions);
        isFirst = false;
        for (let n = 0; n < lines; n += 1_000) {
          await Promise.all(
            Array.from({ length: 1_000 }, (_, at) =>
              options.record({
                kind: "event",
                message_id: `progress-${n + at}`,
                correlation_id: command.correlation_id,
                task_id: command.task_id,
                from: { agent_type: agent },
                event: `${agent}.progress`,
                payload: { done: n + at, text: TEXT },
                occurred_at: "2026-01-02T03:04:05.000000Z",
              }),
            ),
          );
        }
        throw new Error("the machine went off");
      },
    };
  };
}

/** A run that was cut off in its first step, after so many lines. */
async function cutOff(lines: number): Promise<World> {
  const world = new World(undefined, undefined, (folder) =>
    fileStore(folder, { summaryBytes: SUMMARY_BYTES }),
  );
  const { createSupervisor } = world.agents;
  await assert.rejects(world.run({ createSupervisor: talkative(createSupervisor, lines) }));
  await world.store.close();
  return world;
}

const runFolder = (world: World, root = "store"): string => join(world.folder, root, "runs", world.runId);

/** Resumes the run to its end; gives how many bytes were read for it, and what it ended as. */
async function takeUp(world: World): Promise<{ readonly read: number; readonly told: string }> {
  const disk = faultyFileSystem(nodeFileSystem);
  const root = join(world.folder, "store");
  await using store = fileStore(root, { fileSystem: disk, summaryBytes: SUMMARY_BYTES });
  let read = 0;
  const result = await world.resume({
    store,
    onMessage: (message) => {
      if ("progress" in message && message.progress.kind === "step" && read === 0) read = disk.bytesRead;
    },
  });
  assert.equal(result.status, "completed");
  const { steps, ledger_lines: lines } = await describeRun(store, world.runId);
  const told = readFileSync(join(runFolder(world), "transcript.txt"), "utf8");
  return { read, told: JSON.stringify({ steps, lines, told: told.replaceAll(/\d{4}-\d\d-\d\d \S+/g, "") }) };
}

describe("a run with a long ledger", () => {
  it("is resumed and described by the end of its ledger, as if all of it had been read", async () => {
    using world = await cutOff(9_000);
    const size = readFileSync(join(runFolder(world), "ledger.ndjson")).length;
    assert.ok(size > 9_000_000 && existsSync(join(runFolder(world), "story.json")));
    const root = join(world.folder, "store");
    const plain = join(world.folder, "plain");
    cpSync(root, plain, { recursive: true });
    {
      const disk = faultyFileSystem(nodeFileSystem);
      await using store = fileStore(root, { fileSystem: disk });
      assert.equal((await describeRun(store, world.runId)).in_doubt.length, 1);
      assert.ok(disk.bytesRead < size, `${disk.bytesRead} bytes were read to describe ${size}`);
    }
    const workspace = join(world.folder, "workspace-before");
    cpSync(world.workspace, workspace, { recursive: true });
    const quick = await takeUp(world);
    // Less than the ledger once: the lines after the last story, twice, and half a megabyte for each look at one line.
    assert.ok(quick.read < size, `${quick.read} bytes were read to resume after ${size}`);

    rmSync(root, { recursive: true });
    cpSync(plain, root, { recursive: true });
    rmSync(join(runFolder(world), "story.json"));
    rmSync(join(root, "index", "logs"), { recursive: true });
    rmSync(world.workspace, { recursive: true });
    cpSync(workspace, world.workspace, { recursive: true });
    const whole = await takeUp(world);
    assert.ok(whole.read > 2 * size && quick.read < whole.read / 2);
    assert.ok(stable(quick.told) === stable(whole.told), "it is told in another way");
  });

  it("is read from its start where its story, or what the story stands on, was changed", async () => {
    using world = await cutOff(9_000);
    const root = join(world.folder, "store");
    const storyPath = join(runFolder(world), "story.json");
    const ledgerPath = join(runFolder(world), "ledger.ndjson");
    const [story, ledger] = [readFileSync(storyPath, "utf8"), readFileSync(ledgerPath, "utf8")];
    const described = async (): Promise<unknown> => {
      await using store = fileStore(root);
      return await describeRun(store, world.runId);
    };
    const expected = await described();
    for (const spoilt of [
      "",
      "{}",
      story.replace('"attempt": 0', '"attempt": 1').replace('"attempt":0', '"attempt":1'),
      story.replace(/"chain": ?"./, (found) => `${found.slice(0, -1)}${found.endsWith("0") ? "1" : "0"}`),
    ]) {
      assert.notEqual(spoilt, story);
      writeFileSync(storyPath, spoilt);
      assert.deepEqual(await described(), expected);
    }
    writeFileSync(storyPath, story);

    // An edit after the story's line is found by the resume, one before it by verify.
    const lines = ledger.split("\n");
    const edited = (at: number): string =>
      lines.with(at, (lines[at] ?? "").replace('"payload":{"done":', '"payload":{"done":1')).join("\n");
    writeFileSync(ledgerPath, edited(8_900));
    await assert.rejects(takeUp(world), { code: "WORKFLOW_RUN_DAMAGED" });
    writeFileSync(ledgerPath, edited(100));
    await using store = fileStore(root);
    const [finding] = await verifyRun(store, world.runId);
    assert.deepEqual([finding?.kind, finding?.line], ["chain", 101]);
  });
});

/** Without what is made anew each time: ids, and the time. */
function stable(told: string): string {
  return told.replaceAll(/id-\d+/g, "id").replaceAll(/"started_at":"[^"]*"/g, "");
}
