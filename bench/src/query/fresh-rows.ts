import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type FileStore, fileStore } from "@holdfast/storage";
import { type BenchmarkRow, median } from "../harness.ts";
import { eventOf, KEY } from "./events.ts";
import { rowOf } from "./rows.ts";
import { timed } from "./timed.ts";

/** Another program appends an event; how long until a search has it. */
export async function visibleRow(folder: string, store: FileStore, count: number): Promise<BenchmarkRow> {
  const times: number[] = [];
  const file = openSync(join(folder, "events.jsonl"), "a");
  for (let n = count; n < count + 50; n += 1) {
    const event = eventOf(n);
    writeSync(file, `${JSON.stringify(event)}\n`);
    times.push(
      await timed(async () => {
        const { items } = await store.logs.find(
          KEY,
          { types: [event.event_type] },
          { limit: 1, newestFirst: true },
        );
        if (!(items[0]?.text.includes(event.event_id) ?? false))
          throw new Error("The new event is not found");
      }),
    );
  }
  closeSync(file);
  const job = "a new event is found";
  return {
    ...rowOf(job, "ours", "ours", median(times), "ms"),
    goal: "under 10 ms",
    met: median(times) < 10,
    note: `longest ${Math.max(...times).toFixed(1)} ms`,
  };
}

/** How long a new process waits for its first answer. */
export async function openRow(root: string): Promise<BenchmarkRow> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const store = fileStore(root);
    times.push(await timed(() => store.logs.count(KEY, { types: ["ACTION"] })));
    await store.close();
  }
  return rowOf("the first answer of a new process", "ours", "ours", median(times), "ms");
}
