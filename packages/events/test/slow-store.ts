import { type LogAppendOptions, type LogItem, memoryStore, type Store } from "@holdfast/storage";

/** A memory store whose appends wait for `gate()`, or fail with what it throws. */
export function gatedStore(gate: (items: readonly LogItem[]) => Promise<void> | void): {
  readonly store: Store;
  readonly appends: (LogAppendOptions | undefined)[];
  synced: number;
} {
  const store = memoryStore();
  const appends: (LogAppendOptions | undefined)[] = [];
  const seen = { store, appends, synced: 0 };
  const append = store.logs.append.bind(store.logs);
  const sync = store.logs.sync.bind(store.logs);
  store.logs.append = async (key, items, options) => {
    appends.push(options);
    await gate(items);
    return append(key, items, options);
  };
  store.logs.sync = async (key) => {
    seen.synced += 1;
    return sync(key);
  };
  return seen;
}

/** The lines of a run's stream. */
export async function linesOf(store: Store, runId = "r"): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  for await (const { text } of store.logs.read(`runs/${runId}/events`))
    lines.push(JSON.parse(text) as Record<string, unknown>);
  return lines;
}

/** How many events the stream says it lacks. */
export function toldDropped(lines: readonly Record<string, unknown>[]): number {
  return lines
    .map(({ details }) => (details as { readonly dropped_events?: number }).dropped_events ?? 0)
    .reduce((sum, count) => sum + count, 0);
}
