import type { Store } from "@holdfast/storage";
import type { FindingList } from "./event-finding.ts";
import { eventKey } from "./event-key.ts";
import { EVERY_EVENT } from "./find-events.ts";
import { RecentIds } from "./recent-ids.ts";
import { readStreamEvent, type StoredEvent } from "./stored-event.ts";

const RECENT = 65_536;
const IDS_A_SEARCH = 500;
/** Most edges to later events that are followed, and most events that are looked at for each. */
const MAX_LATER_EDGES = 10_000;
const MAX_EVENTS_IN_CYCLE = 10_000;

interface Edge {
  readonly position: number;
  readonly id: string;
  readonly cause: string;
}

/**
 * Finds ids that come twice, unknown causes and cycles while the events of a stream go by.
 *
 * An id above all before it is new. A cause that came shortly before is known. Everything else is looked up in the index, in batches. A
 * cycle has at least one event whose cause does not come before it, so only these are followed.
 */
export class CauseCheck {
  readonly #store: Store;
  readonly #runId: string;
  readonly #place: (position: number) => string;
  readonly #findings: FindingList;
  readonly #signal: AbortSignal | undefined;
  readonly #recent = new RecentIds(RECENT);
  #highest = "";
  #doubtful = new Map<string, number>();
  #edges: Edge[] = [];
  readonly #later: Edge[] = [];
  readonly #inCycle = new Set<string>();

  constructor(
    store: Store,
    runId: string,
    options: {
      readonly place: (position: number) => string;
      readonly findings: FindingList;
      readonly signal: AbortSignal | undefined;
    },
  ) {
    this.#store = store;
    this.#runId = runId;
    this.#place = options.place;
    this.#findings = options.findings;
    this.#signal = options.signal;
  }

  /** Takes the next event of the stream. */
  async see({ event_id: id, caused_by = [] }: StoredEvent, position: number): Promise<void> {
    if (id > this.#highest) this.#highest = id;
    else if (!this.#doubtful.has(id)) this.#doubtful.set(id, position);
    else this.#duplicate(id, position);
    for (const cause of new Set(caused_by)) {
      if (!this.#recent.has(cause)) this.#edges.push({ position, id, cause });
    }
    this.#recent.add(id);
    if (this.#doubtful.size >= IDS_A_SEARCH) await this.#settleDoubtful();
    if (this.#edges.length >= IDS_A_SEARCH) await this.#settleEdges();
  }

  /** Says what is left, and looks for cycles. */
  async finish(): Promise<void> {
    await this.#settleDoubtful();
    await this.#settleEdges();
    for (const edge of this.#later) await this.#followLater(edge);
  }

  #duplicate(id: string, position: number): void {
    this.#findings.add("duplicate", this.#place(position), `event id ${id} was there before`);
  }

  async #settleDoubtful(): Promise<void> {
    const doubtful = this.#doubtful;
    this.#doubtful = new Map();
    const first = await this.#firstPositions([...doubtful.keys()]);
    for (const [id, position] of doubtful) {
      if ((first.get(id) ?? position) < position) this.#duplicate(id, position);
    }
  }

  async #settleEdges(): Promise<void> {
    const edges = this.#edges;
    this.#edges = [];
    const first = await this.#firstPositions([...new Set(edges.map(({ cause }) => cause))]);
    for (const edge of edges) {
      const at = first.get(edge.cause);
      if (at === undefined) {
        const said = `event ${edge.id} names ${edge.cause} as a cause, which is not in the stream`;
        this.#findings.add("unknown_cause", this.#place(edge.position), said);
      } else if (at >= edge.position && this.#later.length < MAX_LATER_EDGES) this.#later.push(edge);
    }
  }

  /** Where each id stands first. */
  async #firstPositions(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const first = new Map<string, number>();
    for (let start = 0; start < ids.length; start += IDS_A_SEARCH) {
      for await (const { event, position } of this.#withIds(ids.slice(start, start + IDS_A_SEARCH))) {
        first.set(event.event_id, Math.min(position, first.get(event.event_id) ?? position));
      }
    }
    return first;
  }

  async *#withIds(ids: readonly string[]): AsyncGenerator<{ event: StoredEvent; position: number }> {
    const signal = this.#signal;
    for (let cursor: string | undefined; ; ) {
      const page = await this.#store.logs.find(
        eventKey(this.#runId),
        { ...EVERY_EVENT, ids },
        { limit: 1_000, ...(cursor !== undefined && { cursor }), ...(signal !== undefined && { signal }) },
      );
      for (const { text, position } of page.items) {
        const event = readStreamEvent(text, this.#runId);
        if (event !== undefined) yield { event, position };
      }
      if (page.cursor === undefined) return;
      cursor = page.cursor;
    }
  }

  /** Goes from a cause that stands behind its effect up to where it comes from; a way back to the effect is a cycle. */
  async #followLater({ position, id, cause }: Edge): Promise<void> {
    if (this.#inCycle.has(id)) return;
    const from = new Map<string, string>([[cause, id]]);
    let level: readonly string[] = [cause];
    while (level.length > 0 && !from.has(id) && from.size < MAX_EVENTS_IN_CYCLE) {
      const next: string[] = [];
      for (let start = 0; start < level.length; start += IDS_A_SEARCH) {
        for await (const { event } of this.#withIds(level.slice(start, start + IDS_A_SEARCH))) {
          for (const above of event.caused_by ?? []) {
            if (from.has(above)) continue;
            from.set(above, event.event_id);
            next.push(above);
          }
        }
      }
      level = next;
    }
    if (cause !== id && !from.has(id)) return;
    const path = cause === id ? [id] : cyclePath(id, from);
    for (const each of path) this.#inCycle.add(each);
    const shown = path.length > 6 ? [...path.slice(0, 3), "…", ...path.slice(-2)] : path;
    const said = `event ${id} is among its own causes: ${[id, ...shown].join(" <- ")}`;
    this.#findings.add("cause_cycle", this.#place(position), said);
  }
}

/** From the cause of an event, each one caused by the next, to the event itself; `from` says what each one led to. */
function cyclePath(id: string, from: ReadonlyMap<string, string>): string[] {
  const path = [id];
  for (;;) {
    const before = from.get(path[0] ?? id);
    if (before === undefined || before === id) return path;
    path.unshift(before);
  }
}
