import { type FileStore, type Filter, parseTimestamp } from "@holdfast/storage";
import { EVENTS_A_TURN, type Event, eventOf, KEY } from "./events.ts";

/** Events on a page. */
export const PAGE = 100;

/** A page and how many there are; the page as the ids of its events, so that answers can be compared. */
export interface Answer {
  readonly total: number;
  readonly ids: readonly string[];
}

/** What is asked, and how fast the answer shall be with ten million events. */
export interface Question {
  readonly name: string;
  readonly filter: Filter;
  readonly offset?: number;
  readonly newestFirst?: boolean;
  readonly goalMs: number;
}

/** The questions about so many events. */
export function questionsOf(count: number): Question[] {
  const turns = Math.floor(count / EVENTS_A_TURN);
  const middle = Math.floor(turns / 2);
  const from = parseTimestamp(eventOf(Math.floor(count * 0.3)).timestamp);
  const to = parseTimestamp(eventOf(Math.floor(count * 0.6)).timestamp);
  return [
    {
      name: "narrow: agent, type, 50 turns",
      filter: { agents: ["agent-7"], types: ["STATE"], turnStart: middle, turnEnd: middle + 49 },
      goalMs: 5,
    },
    {
      name: "narrow: agent and type, all turns",
      filter: { agents: ["agent-7"], types: ["STATE"] },
      goalMs: 5,
    },
    { name: "broad: two types", filter: { types: ["ACTION", "DECISION"] }, goalMs: 50 },
    {
      name: "broad: type and half of the turns",
      filter: { types: ["STATE"], turnStart: 10, turnEnd: middle + 10 },
      goalMs: 50,
    },
    {
      name: "broad, deep page: a third of the time, page in its middle",
      filter: { from, to },
      offset: Math.floor(count * 0.15),
      goalMs: 50,
    },
    { name: "broad, newest first: everything", filter: {}, newestFirst: true, goalMs: 50 },
  ];
}

/** Asks a store: a page and its total. */
export async function ask(
  store: FileStore,
  { filter, offset = 0, newestFirst = false }: Question,
): Promise<Answer> {
  const [page, { count }] = await Promise.all([
    store.logs.find(KEY, filter, { limit: PAGE, offset, newestFirst }),
    store.logs.count(KEY, filter),
  ]);
  return { total: count, ids: page.items.map(({ text }) => (JSON.parse(text) as Event).event_id) };
}
