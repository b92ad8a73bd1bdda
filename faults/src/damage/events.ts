import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventFactory, eventLog, openEventStream, verifyEvents } from "@holdfast/events";
import { type FileStore, fileStore } from "@holdfast/storage";
import type { DamagedFile } from "./damaged-file.ts";
import { DAMAGED, fileInStore, told } from "./file-in-store.ts";

const RUN = "sim";
const FOLDER = `runs/${RUN}`;
const START = 1_767_323_045_000_000n;

/** Writes a short stream of events of all kinds, which name each other as causes. */
async function stream(root: string, rotateBytes: number): Promise<void> {
  let now = START;
  const clock = (): bigint => (now += 1_000n);
  await using store = fileStore(root);
  const events = await openEventStream(store, RUN, { rotateBytes, clock, durability: "synced" });
  const make = eventFactory({ simulationId: RUN, clock });
  for (let turn_number = 0; turn_number < 5; turn_number += 1) {
    const begun = make.milestone({ turn_number, milestone_type: "turn_start" });
    const decided = make.decision({
      turn_number,
      agent_id: "nation-ä",
      decision_type: "policy",
      old_value: null,
      new_value: { rate: 0.05 },
      caused_by: [begun.event_id],
    });
    const state = make.state({ turn_number, variable_name: "v", old_value: 1, new_value: turn_number });
    for (const event of [begun, decided, state]) {
      events.emit(event);
      await events.flush();
    }
  }
  await events.close();
}

/** Everything that a person can ask about a stream. */
async function answers(store: FileStore): Promise<unknown> {
  const log = eventLog(store, RUN);
  const all = await Array.fromAsync(log.select());
  return {
    all,
    // The index and the lines say the same, or one of them is wrong.
    asked: await Promise.all([
      log.query({ event_types: ["DECISION"] }),
      log.query({ turn_start: 2, turn_end: 3, limit: 2 }),
      log.count({ agent_ids: ["nation-ä"] }),
      log.causality(all[1]?.event_id ?? "none"),
    ]),
  };
}

function ofStream(
  name: string,
  rotateBytes: number,
  which: (files: readonly string[]) => string,
): DamagedFile {
  return {
    name,
    promise:
      "each line an event of valid shape, or skipped, counted and found by verify; the lines around it stand",
    refusals: DAMAGED,
    otherValue: "another",
    async prepare(folder) {
      const root = join(folder, "store");
      await stream(root, rotateBytes);
      const files = readdirSync(join(root, FOLDER)).filter((file) => file.startsWith("events"));
      return fileInStore(root, join(FOLDER, which(files.toSorted())), {
        prefix: `${FOLDER}/`,
        read: answers,
        verify: async (store) => told(await verifyEvents(store, RUN)),
      });
    },
  };
}

/** One more than a segment of the index holds: fewer have no index on the disk. */
const INDEXED = 32_769 + 200;

function plainEvent(number: number): string {
  const event = {
    event_id: `01KDZ0Q7E2${String(number).padStart(16, "0")}`,
    timestamp: `2026-01-02T03:04:05.${String(number).padStart(6, "0")}Z`,
    turn_number: Math.floor(number / 1_000),
    event_type: number % 10 === 0 ? "DECISION" : "ACTION",
    simulation_id: RUN,
    agent_id: `agent-${number % 7}`,
    ...(number > 0 && { caused_by: [`01KDZ0Q7E2${String(number - 1).padStart(16, "0")}`] }),
    details: {},
  };
  return `${JSON.stringify(event)}\n`;
}

/** Questions that need every part of an index: types, agents, turns, times, ids and causes. */
async function questions(store: FileStore): Promise<unknown> {
  const log = eventLog(store, RUN);
  return [
    await log.query({ event_types: ["DECISION"], agent_ids: ["agent-3"], limit: 5 }),
    await log.query({ turn_start: 7, turn_end: 8, limit: 3, offset: 1_500 }),
    await log.query({ agent_ids: ["agent-5"], newest_first: true, limit: 2 }),
    await log.count({ event_types: ["ACTION"], turn_start: 3, turn_end: 30 }),
    await log.causality("01KDZ0Q7E20000000000020000", { depth: 2 }),
    await log.get("01KDZ0Q7E20000000000000017"),
  ];
}

/** Streams of events, and the index beside them. */
export const EVENT_FILES: readonly DamagedFile[] = [
  ofStream("event stream", 500 * 1024 * 1024, () => "events.jsonl"),
  ofStream("rotated events", 1_500, (files) => {
    const rotated = files.find((file) => file !== "events.jsonl");
    if (rotated === undefined) throw new Error("nothing was rotated");
    return rotated;
  }),
  {
    name: "index of an event stream",
    promise: "every answer as from the lines themselves: the index is mended or made anew",
    refusals: /^$/,
    otherValue: "bad",
    async prepare(folder) {
      const root = join(folder, "store");
      await using store = fileStore(root);
      await store.create();
      await store.documents.put(`${FOLDER}/note`, {});
      const lines = Array.from({ length: INDEXED }, (_, number) => plainEvent(number)).join("");
      writeFileSync(join(root, FOLDER, "events.jsonl"), lines);
      await questions(store);
      await store.close();
      const path = `index/logs/${FOLDER}/events.db`;
      const file = fileInStore(root, path, { read: questions, mayMend: true });
      return {
        ...file,
        put(bytes) {
          for (const rest of ["", "-journal", "-wal", "-shm"])
            rmSync(join(root, path + rest), { force: true });
          writeFileSync(join(root, path), bytes);
        },
      };
    },
  },
];
