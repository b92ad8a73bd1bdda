import type { Store } from "@holdfast/storage";
import { runOfKey } from "./event-key.ts";
import { EVERY_EVENT, findEvents } from "./find-events.ts";
import { isRecord } from "./record.ts";

/** What there is of a run's stream. */
export interface EventSummary {
  /** Id of the run. */
  readonly id: string;
  /** Name of the run; its id when nothing says it. */
  readonly name: string;
  /** When the run was started, RFC 3339; the time of its first event when nothing says it. */
  readonly start_time: string;
  readonly event_count: number;
}

/** The runs that have a stream, in order of their ids. */
export async function eventSummaries(store: Store): Promise<readonly EventSummary[]> {
  const summaries: EventSummary[] = [];
  for (const key of await store.logs.list("runs/")) {
    const id = runOfKey(key);
    if (id === undefined) continue;
    const { count } = await store.logs.count(key, EVERY_EVENT);
    const run = await runDocument(store, id);
    const name = textOf(run["name"]) ?? id;
    const started = textOf(run["started_at"]);
    const [first] = started === undefined ? await findEvents(store, id, {}, { limit: 1 }) : [];
    summaries.push({ id, name, start_time: started ?? first?.timestamp ?? "", event_count: count });
  }
  return summaries;
}

/** The run's state, as far as it can be read: a stream is there whether or not its run is. */
async function runDocument(store: Store, id: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value = (await store.documents.get(`runs/${id}/run`))?.value;
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
