import { agentOf, causesOf, idOf, objectOf, turnOf, typeOf } from "../marks.ts";
import type { Dictionary } from "./dictionary.ts";
import { HashList } from "./hash-list.ts";
import { IdColumn } from "./id-column.ts";
import { FIELD, type MarkScanner, NONE } from "./mark-scanner.ts";
import { type Moment, MomentReader, NO_MOMENT } from "./moment.ts";
import { NumberColumn } from "./number-column.ts";
import { type Posting, SEGMENT_LINES, type Segment, type SegmentHeader, type Span } from "./segment.ts";

/** Offsets are kept in 32 bits. */
const MAX_SPAN_BYTES = 0xf000_0000;

interface Sorted {
  readonly header: SegmentHeader;
  readonly times: Float64Array | readonly Moment[];
  readonly types: Int32Array;
  readonly agents: Int32Array;
  readonly turns: Float64Array;
  readonly lines: Uint16Array;
  readonly offsets: Uint32Array;
}

/** The last lines of a log, which are not a whole segment yet: in memory, and growing. */
export class TailSegment implements Segment {
  readonly isSealed = false;
  #first: number;
  readonly #maxLines: number;
  readonly #types: Dictionary;
  readonly #agents: Dictionary;
  readonly #moments = new MomentReader();
  #spans: Span[] = [];
  readonly #offsets = new NumberColumn(Uint32Array);
  // Of records, as they came.
  #at: Moment[] = [];
  readonly #id = new IdColumn();
  /** Whether no time needs a bigint. */
  #isExact = true;
  readonly #type = new NumberColumn(Int32Array);
  readonly #agent = new NumberColumn(Int32Array);
  readonly #turn = new NumberColumn(Float64Array);
  readonly #line = new NumberColumn(Uint16Array);
  readonly ids = new HashList();
  readonly causes = new HashList();
  #sorted: Sorted | undefined;

  /** `first`: the position of its first line. */
  constructor(first: number, types: Dictionary, agents: Dictionary, maxLines = SEGMENT_LINES) {
    this.#first = first;
    this.#maxLines = maxLines;
    this.#types = types;
    this.#agents = agents;
  }

  /** Starts over, in the same memory, with the segment after this one. */
  restart(first: number): void {
    this.#first = first;
    this.#spans = [];
    this.#at = [];
    this.#id.clear();
    this.#isExact = true;
    for (const column of [this.#offsets, this.#type, this.#agent, this.#turn, this.#line]) column.clear();
    this.ids.clear();
    this.causes.clear();
    this.#sorted = undefined;
  }

  /** How many lines there are. */
  get length(): number {
    return this.#offsets.length;
  }

  /** The highest codes that its types and agents can have. */
  get codes(): { readonly types: number; readonly agents: number } {
    return { types: this.#types.size, agents: this.#agents.size };
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
    const line = this.#addLine(file, offset, end);
    const record = text === undefined ? undefined : objectOf(text);
    if (record === undefined) return;
    this.#line.push(line);
    this.#addMoment(this.#moments.read(record["timestamp"]) ?? this.#moments.read(record["occurred_at"]));
    this.#type.push(this.#types.codeOf(typeOf(record)));
    this.#agent.push(this.#agents.codeOf(agentOf(record)));
    this.#turn.push(turnOf(record) ?? Number.NaN);
    const id = idOf(record);
    this.#id.addText(id ?? "");
    if (id !== undefined) this.ids.add(id, line);
    for (const cause of causesOf(record) ?? []) this.causes.add(cause, line);
  }

  /** As {@link add}, for a line that a scanner took apart: without an object or a text for each. */
  addScanned(bytes: Buffer, marks: MarkScanner, file: number, offset: number, end: number): void {
    const line = this.#addLine(file, offset, end);
    const { starts, ends, type, agent, id } = marks;
    const start = (field: number): number => starts[field] ?? 0;
    const stop = (field: number): number => ends[field] ?? 0;
    const moment = (field: number): Moment | undefined =>
      start(field) === NONE ? undefined : this.#moments.readPlain(bytes, start(field), stop(field));
    this.#line.push(line);
    this.#addMoment(moment(FIELD.timestamp) ?? moment(FIELD.occurredAt));
    this.#type.push(type === NONE ? 0 : this.#types.codeOfPlain(bytes, start(type), stop(type)));
    this.#agent.push(agent === NONE ? 0 : this.#agents.codeOfPlain(bytes, start(agent), stop(agent)));
    this.#turn.push(marks.turn);
    if (id === NONE) this.#id.addText("");
    else {
      this.#id.addPlain(bytes, start(id), stop(id));
      this.ids.addPlain(bytes, start(id), stop(id), line);
    }
    for (let cause = 0; cause < marks.causes; cause += 1) {
      this.causes.addPlain(bytes, marks.causeStarts[cause] ?? 0, marks.causeEnds[cause] ?? 0, line);
    }
  }

  #addLine(file: number, offset: number, end: number): number {
    const line = this.#offsets.length;
    let span = this.#spans.at(-1);
    if (span === undefined || span.file !== file) {
      span = { file, line, offset, end };
      this.#spans.push(span);
    }
    span.end = end;
    this.#offsets.push(offset - span.offset);
    this.#sorted = undefined;
    return line;
  }

  #addMoment(at: Moment = NO_MOMENT): void {
    if (typeof at === "bigint") this.#isExact = false;
    this.#at.push(at);
  }

  get header(): SegmentHeader {
    return this.#sort().header;
  }

  times(): Float64Array | readonly Moment[] {
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
    return this.ids.linesOf(id);
  }

  withCause(cause: string): readonly number[] {
    return this.causes.linesOf(cause);
  }

  #sort(): Sorted {
    this.#sorted ??= this.#sortNow();
    return this.#sorted;
  }

  #sortNow(): Sorted {
    const order = this.#order();
    const times = this.#timesIn(order);
    const types = arranged(this.#type, order);
    const turns = arranged(this.#turn, order);
    const count = times.length;
    const typeCounts = new Map<number, number>();
    for (const type of types) typeCounts.set(type, (typeCounts.get(type) ?? 0) + 1);
    let untimed = 0;
    while (untimed < count && times[untimed] === NO_MOMENT) untimed += 1;
    let turnless = 0;
    let turnFrom = Number.POSITIVE_INFINITY;
    let turnTo = Number.NEGATIVE_INFINITY;
    for (const turn of turns) {
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
      ids: this.ids.range.bounds(),
      causes: this.causes.range.bounds(),
      spans: this.#spans,
    };
    const agents = arranged(this.#agent, order);
    const lines = arranged(this.#line, order);
    return { header, times, types, agents, turns, lines, offsets: this.#offsets.values().slice() };
  }

  /** The records by time, id and position; `undefined` when they came in that order. */
  #order(): Uint32Array | undefined {
    const at = this.#at;
    const id = this.#id;
    const compare = (a: number, b: number): number => {
      const x = at[a] ?? NO_MOMENT;
      const y = at[b] ?? NO_MOMENT;
      if (x < y) return -1;
      if (x > y) return 1;
      return id.compare(a, b) || a - b;
    };
    return isOrdered(at.length, compare) ? undefined : Uint32Array.from(at.keys()).toSorted(compare);
  }

  /** Numbers where all of them are exact as such. */
  #timesIn(order: Uint32Array | undefined): Float64Array | readonly Moment[] {
    const times = order === undefined ? this.#at : Array.from(order, (index) => this.#at[index] ?? NO_MOMENT);
    return this.#isExact ? Float64Array.from(times as readonly number[]) : Array.from(times);
  }
}

/** A column in an order. */
function arranged<A extends Float64Array | Int32Array | Uint16Array>(
  column: NumberColumn<A>,
  order: Uint32Array | undefined,
): A {
  const values = column.values().slice() as A;
  for (const [rank, index] of order?.entries() ?? []) values[rank] = column.at(index) ?? 0;
  return values;
}

function isOrdered(count: number, compare: (a: number, b: number) => number): boolean {
  for (let index = 1; index < count; index += 1) if (compare(index - 1, index) > 0) return false;
  return true;
}
