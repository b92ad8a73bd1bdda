import { compareBytes } from "../byte-order.ts";
import { idOf, matches, objectMarks, objectOf, withoutMark } from "../marks.ts";
import { comparePlaces, decodeCursor, encodeCursor, type FoundPlace } from "../search.ts";
import type { Filter, FindOptions, LogLine, Marks, Page } from "../store.ts";
import type { CountCache } from "./count-cache.ts";
import type { Dictionary } from "./dictionary.ts";
import { StaleIndexError } from "./index-database.ts";
import { asMoment, type Moment, NO_MOMENT } from "./moment.ts";
import type { Segment } from "./segment.ts";
import { type Ranks, ranksIn, type SegmentFilter, segmentFilter } from "./segment-search.ts";

/** A line of a segment. */
export interface SegmentLine {
  readonly segment: Segment;
  readonly line: number;
}

/** A log whose segments are up to date. */
export interface IndexView {
  readonly segments: readonly Segment[];
  readonly types: Dictionary;
  readonly agents: Dictionary;
  readonly counts: CountCache;
  /** The texts of lines, from their files. */
  texts(lines: readonly SegmentLine[]): string[];
}

/** Finds a page of the lines that match. */
export function findPage(view: IndexView, filter: Filter, options: FindOptions): Page<LogLine> {
  const { limit, offset = 0, cursor, newestFirst = false } = options;
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  const found =
    filter.ids === undefined && filter.causes === undefined
      ? new Merge(view, filter, newestFirst, after).take(offset, limit + 1)
      : fromCandidates(view, filter, newestFirst, after).slice(offset, offset + limit + 1);
  const texts = view.texts(found.slice(0, limit));
  const items: LogLine[] = [];
  let last: Marks | undefined;
  for (const [index, text] of texts.entries()) {
    const { segment, line } = found[index] ?? {};
    last = objectMarks(text);
    // Were it otherwise, the file is not what was indexed.
    if (segment === undefined || line === undefined || last === undefined || !matches(last, filter))
      throw changed();
    items.push({ position: segment.header.first + line, text: withoutMark(text) });
  }
  const end = items.at(-1);
  if (found.length <= limit || end === undefined || last === undefined) return { items };
  return { items, cursor: encodeCursor({ at: last.at, id: last.id ?? "", position: end.position }) };
}

/** Counts the lines that match. */
export function countMatches(view: IndexView, filter: Filter): number {
  if (filter.ids !== undefined || filter.causes !== undefined) {
    return fromCandidates(view, filter, false, undefined).length;
  }
  const wanted = segmentFilter(filter, view.types, view.agents);
  const count = view.counts.of(filter);
  return view.segments.reduce((sum, segment) => sum + count(segment, wanted), 0);
}

function changed(): StaleIndexError {
  return new StaleIndexError("a line is not what was indexed", { isDamaged: true });
}

/** Lines found by their ids or causes, in order: few enough to look at each. */
function fromCandidates(
  view: IndexView,
  filter: Filter,
  newestFirst: boolean,
  after: FoundPlace | undefined,
): SegmentLine[] {
  const { ids, causes } = filter;
  const candidates: SegmentLine[] = [];
  for (const segment of view.segments) {
    const lines = new Set<number>();
    for (const id of new Set(ids ?? causes)) {
      for (const line of ids === undefined ? segment.withCause(id) : segment.withId(id)) lines.add(line);
    }
    for (const line of lines) candidates.push({ segment, line });
  }
  const order = newestFirst ? (a: FoundPlace, b: FoundPlace) => comparePlaces(b, a) : comparePlaces;
  const found: (SegmentLine & FoundPlace)[] = [];
  for (const [index, text] of view.texts(candidates).entries()) {
    const candidate = candidates[index];
    const marks = objectMarks(text);
    if (candidate === undefined || marks === undefined) throw changed();
    if (!matches(marks, filter)) continue;
    const position = candidate.segment.header.first + candidate.line;
    const place = { ...candidate, at: marks.at, id: marks.id ?? "", position };
    if (after === undefined || order(place, after) > 0) found.push(place);
  }
  return found.toSorted(order);
}

/** The place of a record in the order of a search; its id is read only where times are equal. */
interface Key {
  readonly at: Moment;
  readonly position: number;
  id(): string;
}

/** Matching records of a segment, in the order of the search, from `index` on. */
class Source {
  readonly segment: Segment;
  readonly count: number;
  /** No record is before the first, or after the last, of these times. */
  readonly first: Moment;
  readonly last: Moment;
  index = 0;
  readonly #view: IndexView;
  readonly #filter: SegmentFilter;
  readonly #newestFirst: boolean;
  // Asked for once: a look into the cache costs more than the rest of a record.
  #times: ArrayLike<Moment> | undefined;
  #lines: Uint16Array | undefined;
  #ranks: Ranks | undefined;
  #key: { readonly index: number; readonly key: Key } | undefined;

  constructor(view: IndexView, segment: Segment, filter: SegmentFilter, count: number, newestFirst: boolean) {
    const { untimed, records, from, to } = segment.header;
    this.segment = segment;
    this.count = count;
    const earliest = untimed > 0 ? NO_MOMENT : from;
    const latest = untimed === records ? NO_MOMENT : to;
    this.first = newestFirst ? latest : earliest;
    this.last = newestFirst ? earliest : latest;
    this.#view = view;
    this.#filter = filter;
    this.#newestFirst = newestFirst;
  }

  get left(): number {
    return this.count - this.index;
  }

  timeAt(index: number): Moment {
    this.#times ??= this.segment.times();
    return this.#times[this.#rankAt(index)] ?? NO_MOMENT;
  }

  lineAt(index: number): number {
    this.#lines ??= this.segment.lines();
    return this.#lines[this.#rankAt(index)] ?? 0;
  }

  keyAt(index: number): Key {
    if (this.#key?.index === index) return this.#key.key;
    const line = this.lineAt(index);
    const { segment } = this;
    let id: string | undefined;
    const key = {
      at: this.timeAt(index),
      position: segment.header.first + line,
      id: () => (id ??= this.#idOf(line)),
    };
    this.#key = { index, key };
    return key;
  }

  #idOf(line: number): string {
    const [text = ""] = this.#view.texts([{ segment: this.segment, line }]);
    const record = objectOf(text);
    if (record === undefined) throw changed();
    return idOf(record) ?? "";
  }

  #rankAt(index: number): number {
    const ranks = (this.#ranks ??= ranksIn(this.segment, this.#filter));
    return ranks.at(this.#newestFirst ? this.count - 1 - index : index);
  }
}

/**
 * The matching records of all segments, in order. Segments mostly follow each other in time: as long as one of them is ahead of all
 * others, its records are taken, or skipped, together.
 */
class Merge {
  readonly #sign: number;
  /** By their first time; those before `#next` were started. */
  readonly #sources: readonly Source[];
  #next = 0;
  #active: Source[] = [];

  constructor(view: IndexView, filter: Filter, newestFirst: boolean, after: FoundPlace | undefined) {
    this.#sign = newestFirst ? -1 : 1;
    const wanted = segmentFilter(filter, view.types, view.agents);
    const sources: Source[] = [];
    const countOf = view.counts.of(filter);
    for (const segment of view.segments) {
      const count = countOf(segment, wanted);
      if (count === 0) continue;
      const source = new Source(view, segment, wanted, count, newestFirst);
      if (after !== undefined) this.#skipTo(source, after);
      if (source.left > 0) sources.push(source);
    }
    this.#sources = sources.toSorted((a, b) => this.#compareTimes(a.first, b.first));
  }

  /** So many records, after so many that are skipped. */
  take(skip: number, limit: number): SegmentLine[] {
    const found: SegmentLine[] = [];
    for (let left = skip; found.length < limit; ) {
      const best = this.#best(left);
      if (best === undefined) break;
      if (typeof best === "number") {
        left -= best;
        continue;
      }
      const run = this.#runOf(best);
      const skipped = Math.min(left, run);
      left -= skipped;
      const taken = Math.min(run - skipped, limit - found.length);
      for (let index = best.index + skipped; index < best.index + skipped + taken; index += 1) {
        found.push({ segment: best.segment, line: best.lineAt(index) });
      }
      best.index += skipped + taken;
      if (best.left === 0) this.#active = this.#active.filter((source) => source !== best);
    }
    return found;
  }

  /** The source with the next record; a number when so many were skipped with a whole source; `undefined` at the end. */
  #best(skip: number): Source | number | undefined {
    if (this.#active.length === 0) {
      const source = this.#sources[this.#next];
      if (source === undefined) return undefined;
      this.#next += 1;
      const following = this.#sources[this.#next];
      const isAlone = following === undefined || this.#compareTimes(source.last, following.first) < 0;
      if (isAlone && source.left <= skip) return source.left;
      this.#active.push(source);
    }
    let best = this.#firstActive();
    for (;;) {
      const waiting = this.#sources[this.#next];
      if (best === undefined || waiting === undefined) return best;
      if (this.#compareTimes(best.timeAt(best.index), waiting.first) < 0) return best;
      this.#next += 1;
      this.#active.push(waiting);
      best = this.#firstActive();
    }
  }

  #firstActive(): Source | undefined {
    let best: Source | undefined;
    for (const source of this.#active) {
      if (best === undefined || this.#compare(source.keyAt(source.index), best.keyAt(best.index)) < 0)
        best = source;
    }
    return best;
  }

  /** How many records of the best source come before all others. */
  #runOf(best: Source): number {
    let run = best.left;
    const waiting = this.#sources[this.#next];
    if (waiting !== undefined) {
      run = before(run, (ahead) => this.#compareTimes(best.timeAt(best.index + ahead), waiting.first) < 0);
    }
    for (const other of this.#active) {
      if (other === best) continue;
      const key = other.keyAt(other.index);
      run = before(run, (ahead) => this.#compare(best.keyAt(best.index + ahead), key) < 0);
    }
    return run;
  }

  #skipTo(source: Source, after: FoundPlace): void {
    const at = after.at === undefined ? NO_MOMENT : asMoment(after.at);
    if (this.#compareTimes(at, source.first) < 0) return;
    if (this.#compareTimes(source.last, at) < 0) {
      source.index = source.count;
      return;
    }
    const key = { at, position: after.position, id: () => after.id };
    source.index = before(source.count, (index) => this.#compare(source.keyAt(index), key) <= 0);
  }

  #compareTimes(a: Moment, b: Moment): number {
    if (a < b) return -this.#sign;
    return a > b ? this.#sign : 0;
  }

  #compare(a: Key, b: Key): number {
    const byTime = this.#compareTimes(a.at, b.at);
    if (byTime !== 0) return byTime;
    return this.#sign * (compareBytes(a.id(), b.id()) || a.position - b.position);
  }
}

/** For how many of the first `count` numbers a test holds, of which it is known that it holds for none after one that fails. */
function before(count: number, test: (index: number) => boolean): number {
  let low = 0;
  let high = 1;
  while (high < count && test(high - 1)) {
    low = high;
    high = Math.min(count, high * 2);
  }
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
