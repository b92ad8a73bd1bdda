import type { Filter } from "../store.ts";
import type { Dictionary } from "./dictionary.ts";
import { asMoment, type Moment } from "./moment.ts";
import type { Segment } from "./segment.ts";

/** Searching for more agents than this one by one costs more than looking through all. */
const MAX_POSTINGS = 32;

/** A filter by what segments know of each record: everything but ids and causes. */
export interface SegmentFilter {
  readonly from: Moment | undefined;
  readonly to: Moment | undefined;
  readonly types: ReadonlySet<number> | undefined;
  readonly agents: ReadonlySet<number> | undefined;
  readonly turnStart: number;
  readonly turnEnd: number;
  /** Whether a turn is asked for at all. */
  readonly hasTurns: boolean;
}

/** Ranks in a segment, ascending. */
export interface Ranks {
  readonly length: number;
  at(index: number): number;
}

/** What is left to look at in a segment: ranks from `low` to before `high`, and what is not settled by the header. */
interface Plan {
  readonly low: number;
  readonly high: number;
  readonly types: ReadonlySet<number> | undefined;
  readonly agents: ReadonlySet<number> | undefined;
  readonly checksTurns: boolean;
}

/** Translates a filter. */
export function segmentFilter(filter: Filter, types: Dictionary, agents: Dictionary): SegmentFilter {
  const { from, to, turnStart, turnEnd } = filter;
  return {
    from: from === undefined ? undefined : asMoment(from),
    to: to === undefined ? undefined : asMoment(to),
    types: filter.types === undefined ? undefined : codesOf(filter.types, types),
    agents: filter.agents === undefined ? undefined : codesOf(filter.agents, agents),
    turnStart: turnStart ?? Number.NEGATIVE_INFINITY,
    turnEnd: turnEnd ?? Number.POSITIVE_INFINITY,
    hasTurns: turnStart !== undefined || turnEnd !== undefined,
  };
}

/** How many records of a segment match. */
export function countIn(segment: Segment, filter: SegmentFilter): number {
  const plan = planOf(segment, filter);
  if (plan === undefined) return 0;
  const { low, high, types, agents, checksTurns } = plan;
  const isWhole = low === 0 && high === segment.header.records;
  if (types === undefined && agents === undefined && !checksTurns) return high - low;
  if (isWhole && agents === undefined && !checksTurns) return typeCount(segment, types);
  if (isWhole && agents !== undefined && types === undefined && !checksTurns && segment.isSealed) {
    let count = 0;
    for (const agent of agents) count += segment.agentCount(agent);
    return count;
  }
  return matching(segment, filter, plan).length;
}

/** The records of a segment that match. */
export function ranksIn(segment: Segment, filter: SegmentFilter): Ranks {
  const plan = planOf(segment, filter);
  if (plan === undefined) return { length: 0, at: () => 0 };
  const { low, high, types, agents, checksTurns } = plan;
  if (types === undefined && agents === undefined && !checksTurns) {
    return { length: high - low, at: (index) => low + index };
  }
  const ranks = matching(segment, filter, plan);
  return { length: ranks.length, at: (index) => ranks[index] ?? 0 };
}

function codesOf(texts: readonly string[], dictionary: Dictionary): ReadonlySet<number> {
  return new Set(texts.map((text) => dictionary.find(text)).filter((code) => code !== undefined));
}

function planOf(segment: Segment, filter: SegmentFilter): Plan | undefined {
  const { header } = segment;
  const { from, to, turnStart, turnEnd } = filter;
  let low = 0;
  let high = header.records;
  if (from !== undefined || to !== undefined) {
    low = header.untimed;
    if (low === high || (from !== undefined && from > header.to) || (to !== undefined && to < header.from)) {
      return undefined;
    }
    if (from !== undefined && from > header.from)
      low = firstAt(segment.times(), low, high, (at) => at >= from);
    if (to !== undefined && to < header.to) high = firstAt(segment.times(), low, high, (at) => at > to);
  }
  let checksTurns = false;
  if (filter.hasTurns) {
    const { turnFrom, turnTo, turnless, records } = header;
    if (turnless === records || turnStart > turnTo || turnEnd < turnFrom) return undefined;
    checksTurns = turnless > 0 || turnStart > turnFrom || turnEnd < turnTo;
  }
  let { types } = filter;
  if (types !== undefined) {
    const count = typeCount(segment, types);
    if (count === 0) return undefined;
    if (count === header.records) types = undefined;
  }
  if (filter.agents?.size === 0 || low >= high) return undefined;
  return { low, high, types, agents: filter.agents, checksTurns };
}

function typeCount({ header }: Segment, types: ReadonlySet<number> | undefined): number {
  let count = 0;
  for (const type of types ?? []) count += header.types.get(type) ?? 0;
  return count;
}

function matching(segment: Segment, filter: SegmentFilter, plan: Plan): Uint16Array {
  const { agents } = plan;
  if (agents !== undefined && agents.size <= MAX_POSTINGS && segment.isSealed) {
    return fromPostings(segment, filter, plan, agents);
  }
  const { low, high, types, checksTurns } = plan;
  const { turnStart, turnEnd } = filter;
  const found = new Uint16Array(high - low);
  const typeColumn = types === undefined ? undefined : segment.types();
  const agentColumn = agents === undefined ? undefined : segment.agents();
  const turnColumn = checksTurns ? segment.turns() : undefined;
  let count = 0;
  for (let rank = low; rank < high; rank += 1) {
    if (typeColumn !== undefined && types?.has(typeColumn[rank] ?? 0) !== true) continue;
    if (agentColumn !== undefined && agents?.has(agentColumn[rank] ?? 0) !== true) continue;
    if (turnColumn !== undefined && !isBetween(turnColumn[rank] ?? Number.NaN, turnStart, turnEnd)) continue;
    found[count] = rank;
    count += 1;
  }
  return found.subarray(0, count);
}

function fromPostings(
  segment: Segment,
  filter: SegmentFilter,
  plan: Plan,
  agents: ReadonlySet<number>,
): Uint16Array {
  const { low, high, types, checksTurns } = plan;
  const { turnStart, turnEnd } = filter;
  const found: number[] = [];
  for (const agent of agents) {
    const posting = segment.posting(agent);
    if (posting === undefined) continue;
    const { ranks, types: typeColumn, turns } = posting;
    for (let index = 0; index < ranks.length; index += 1) {
      const rank = ranks[index] ?? 0;
      if (rank < low || rank >= high) continue;
      if (types !== undefined && !types.has(typeColumn[index] ?? 0)) continue;
      if (checksTurns && !isBetween(turns[index] ?? Number.NaN, turnStart, turnEnd)) continue;
      found.push(rank);
    }
  }
  const sorted = Uint16Array.from(found);
  return agents.size > 1 ? sorted.toSorted() : sorted;
}

/** Never for NaN, which stands for no turn. */
function isBetween(turn: number, start: number, end: number): boolean {
  return turn >= start && turn <= end;
}

/** The first rank from `low` on whose time satisfies a test that all later ones satisfy too. */
function firstAt(times: ArrayLike<Moment>, low: number, high: number, test: (at: Moment) => boolean): number {
  let first = low;
  let end = high;
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (test(times[middle] ?? 0)) end = middle;
    else first = middle + 1;
  }
  return first;
}
