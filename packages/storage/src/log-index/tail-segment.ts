import { compareBytes } from "../byte-order.ts";
import { agentOf, causesOf, idOf, objectOf, turnOf, typeOf } from "../marks.ts";
import type { Dictionary } from "./dictionary.ts";
import { type Moment, MomentReader, NO_MOMENT } from "./moment.ts";
import {
  hashOf,
  type Posting,
  SEGMENT_LINES,
  type Segment,
  type SegmentHeader,
  type Span,
} from "./segment.ts";

/** Offsets are kept in 32 bits. */
const MAX_SPAN_BYTES = 0xf000_0000;

/** Hashes of ids or causes, and the lines they are in. */
export interface HashList {
  readonly hashes: number[];
  readonly lines: number[];
  range: readonly [string, string] | undefined;
}

interface Sorted {
  readonly header: SegmentHeader;
  readonly times: Moment[];
  readonly types: Int32Array;
  readonly agents: Int32Array;
  readonly turns: Float64Array;
  readonly lines: Uint16Array;
  readonly offsets: Uint32Array;
}

/** The last lines of a log, which are not a whole segment yet: in memory, and growing. */
export class TailSegment implements Segment {
  readonly isSealed = false;
  readonly #first: number;
  readonly #maxLines: number;
  readonly #types: Dictionary;
  readonly #agents: Dictionary;
  readonly #moments = new MomentReader();
  readonly #spans: Span[] = [];
  readonly #offsets: number[] = [];
  // Of records, as they came.
  readonly #at: Moment[] = [];
  readonly #id: string[] = [];
  readonly #type: number[] = [];
  readonly #agent: number[] = [];
  readonly #turn: number[] = [];
  readonly #line: number[] = [];
  readonly ids: HashList = { hashes: [], lines: [], range: undefined };
  readonly causes: HashList = { hashes: [], lines: [], range: undefined };
  #sorted: Sorted | undefined;

  /** `first`: the position of its first line. */
  constructor(first: number, types: Dictionary, agents: Dictionary, maxLines = SEGMENT_LINES) {
    this.#first = first;
    this.#maxLines = maxLines;
    this.#types = types;
    this.#agents = agents;
  }

  /** How many lines there are. */
  get length(): number {
    return this.#offsets.length;
  }

  get first(): number {
    return this.#first;
  }

  /** Whether a line of a file can be added. */
  hasRoom(file: number, offset: number): boolean {
    const span = this.#spans.at(-1);
    return (
      this.#offsets.length < this.#maxLines &&
      (span === undefined || span.file !== file || offset - span.offset < MAX_SPAN_BYTES)
    );
  }

  /** Adds the next line. `text`: `undefined` when its bytes are no text. `end`: after its newline. */
  add(text: string | undefined, file: number, offset: number, end: number): void {
    const line = this.#offsets.length;
    let span = this.#spans.at(-1);
    if (span === undefined || span.file !== file) {
      span = { file, line, offset, end };
      this.#spans.push(span);
    }
    span.end = end;
    this.#offsets.push(offset - span.offset);
    this.#sorted = undefined;
    const record = text === undefined ? undefined : objectOf(text);
    if (record === undefined) return;
    this.#at.push(
      this.#moments.read(record["timestamp"]) ?? this.#moments.read(record["occurred_at"]) ?? NO_MOMENT,
    );
    this.#type.push(this.#types.codeOf(typeOf(record)));
    this.#agent.push(this.#agents.codeOf(agentOf(record)));
    this.#turn.push(turnOf(record) ?? Number.NaN);
    this.#line.push(line);
    const id = idOf(record);
    this.#id.push(id ?? "");
    if (id !== undefined) addTo(this.ids, id, line);
    const causes = causesOf(record);
    if (causes !== undefined) for (const cause of causes) addTo(this.causes, cause, line);
  }

  get header(): SegmentHeader {
    return this.#sort().header;
  }

  times(): ArrayLike<Moment> {
    return this.#sort().times;
  }

  types(): Int32Array {
    return this.#sort().types;
  }

  agents(): Int32Array {
    return this.#sort().agents;
  }

  turns(): Float64Array {
    return this.#sort().turns;
  }

  lines(): Uint16Array {
    return this.#sort().lines;
  }

  offsets(): Uint32Array {
    return this.#sort().offsets;
  }

  agentCount(): number {
    return 0;
  }

  posting(): Posting | undefined {
    return undefined;
  }

  withId(id: string): readonly number[] {
    return linesOf(this.ids, id);
  }

  withCause(cause: string): readonly number[] {
    return linesOf(this.causes, cause);
  }

  #sort(): Sorted {
    this.#sorted ??= this.#sortNow();
    return this.#sorted;
  }

  #sortNow(): Sorted {
    const at = this.#at;
    const id = this.#id;
    const count = at.length;
    const order = Array.from({ length: count }, (_, index) => index);
    const compare = (a: number, b: number): number => {
      const x = at[a] ?? NO_MOMENT;
      const y = at[b] ?? NO_MOMENT;
      if (x < y) return -1;
      if (x > y) return 1;
      return compareBytes(id[a] ?? "", id[b] ?? "") || a - b;
    };
    if (!isOrdered(count, compare)) order.sort(compare);
    const times: Moment[] = [];
    const types = new Int32Array(count);
    const agents = new Int32Array(count);
    const turns = new Float64Array(count);
    const lines = new Uint16Array(count);
    const typeCounts = new Map<number, number>();
    let untimed = 0;
    let turnless = 0;
    let turnFrom = Number.POSITIVE_INFINITY;
    let turnTo = Number.NEGATIVE_INFINITY;
    for (let rank = 0; rank < count; rank += 1) {
      const index = order[rank] ?? 0;
      const moment = at[index] ?? NO_MOMENT;
      const type = this.#type[index] ?? 0;
      const turn = this.#turn[index] ?? Number.NaN;
      times.push(moment);
      types[rank] = type;
      agents[rank] = this.#agent[index] ?? 0;
      turns[rank] = turn;
      lines[rank] = this.#line[index] ?? 0;
      typeCounts.set(type, (typeCounts.get(type) ?? 0) + 1);
      if (moment === NO_MOMENT) untimed += 1;
      if (Number.isNaN(turn)) turnless += 1;
      if (turn < turnFrom) turnFrom = turn;
      if (turn > turnTo) turnTo = turn;
    }
    const header: SegmentHeader = {
      first: this.#first,
      lines: this.#offsets.length,
      records: count,
      untimed,
      from: times[untimed] ?? NO_MOMENT,
      to: times[count - 1] ?? NO_MOMENT,
      turnless,
      turnFrom,
      turnTo,
      types: typeCounts,
      ids: this.ids.range,
      causes: this.causes.range,
      spans: this.#spans,
    };
    return { header, times, types, agents, turns, lines, offsets: Uint32Array.from(this.#offsets) };
  }
}

function isOrdered(count: number, compare: (a: number, b: number) => number): boolean {
  for (let index = 1; index < count; index += 1) if (compare(index - 1, index) > 0) return false;
  return true;
}

function addTo(list: HashList, id: string, line: number): void {
  list.hashes.push(hashOf(id));
  list.lines.push(line);
  const { range } = list;
  if (range === undefined) list.range = [id, id];
  else if (id < range[0]) list.range = [id, range[1]];
  else if (id > range[1]) list.range = [range[0], id];
}

function linesOf({ hashes, lines }: HashList, id: string): readonly number[] {
  const hash = hashOf(id);
  const found: number[] = [];
  for (let at = hashes.indexOf(hash); at !== -1; at = hashes.indexOf(hash, at + 1)) {
    const line = lines[at];
    if (line !== undefined) found.push(line);
  }
  return found;
}
