import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";

/** A peer's way to keep a state and have it back. */
export interface Saver {
  put(state: unknown): Promise<void>;
  get(): Promise<unknown>;
}

/**
 * LangGraph's SQLite saver as its checkpointer uses it: a thread's checkpoint with one channel, written anew each time. It keeps `synchronous` at NORMAL, which does not
 * sync a commit; here it is FULL, so that `put` is as durable as ours.
 */
export function langGraphSaver(path: string): Saver {
  const saver = SqliteSaver.fromConnString(path);
  saver.db.pragma("journal_mode = WAL");
  saver.db.pragma("synchronous = FULL");
  const place = { configurable: { thread_id: "thread", checkpoint_ns: "" } };
  // One id: the row is replaced, as `last` is.
  const id = "1f000000-0000-6000-8000-000000000001";
  return {
    async put(state) {
      const checkpoint = {
        v: 4,
        id,
        ts: new Date().toISOString(),
        channel_values: { state },
        channel_versions: { state: 1 },
        versions_seen: {},
      };
      await saver.put(place, checkpoint, { source: "loop", step: 1, parents: {} });
    },
    async get() {
      const found = await saver.getTuple(place);
      return found?.checkpoint.channel_values["state"];
    },
  };
}
