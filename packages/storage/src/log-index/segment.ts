import type { Moment } from "./moment.ts";

/** Lines of a log that are indexed together, and then never again. A line has a place of 16 bits in them. */
export const SEGMENT_LINES = 32_768;

/** A row of lines of a segment in one file. */
export interface Span {
  /** The file: its place in the order of the log's files, from 0. */
  readonly file: number;
  /** The first line, counted in the segment from 0. */
  readonly line: number;
  /** Where that line starts in the file, in bytes. */
  readonly offset: number;
  /** Where the last line ends in the file, with its newline. */
  end: number;
}

/** What is known of a segment without looking into it. A record is a line that is a JSON object. */
export interface SegmentHeader {
  /** Position of its first line. */
  readonly first: number;
  readonly lines: number;
  readonly records: number;
  /** Records without a time; they come first. */
  readonly untimed: number;
  /** The earliest and the latest time. */
  readonly from: Moment;
  readonly to: Moment;
  /** Records without a turn. */
  readonly turnless: number;
  /** The least and the greatest turn. */
  readonly turnFrom: number;
  readonly turnTo: number;
  /** Codes of types, and how many records have them. */
  readonly types: ReadonlyMap<number, number>;
  /** The first and the last id in the order of JavaScript; `undefined` when there is none. */
  readonly ids: readonly [string, string] | undefined;
  readonly causes: readonly [string, string] | undefined;
  readonly spans: readonly Span[];
}

/** Records of an agent in a segment, in order. */
export interface Posting {
  readonly ranks: Uint16Array;
  readonly types: Int32Array;
  readonly turns: Float64Array;
}

/**
 * A segment that can be searched. A record's *rank* is its place in the order of time, id and position among the records of the
 * segment; its *line* is its place in the log's order, from 0. Codes of 0, and NaN for a turn, stand for none.
 */
export interface Segment {
  readonly header: SegmentHeader;
  /** Whether it never changes again, and lists the records of each agent. */
  readonly isSealed: boolean;
  /** By rank. */
  times(): ArrayLike<Moment>;
  types(): Int32Array;
  agents(): Int32Array;
  turns(): Float64Array;
  lines(): Uint16Array;
  /** By line: where it starts, counted from the start of its span. */
  offsets(): Uint32Array;
  /** How many records an agent has; for sealed ones. */
  agentCount(agent: number): number;
  /** The records of an agent; for sealed ones. */
  posting(agent: number): Posting | undefined;
  /** Lines whose id, or one of whose causes, may be this one: never fewer than there are. */
  withId(id: string): readonly number[];
  withCause(cause: string): readonly number[];
}

/** Where a line of a segment is in its file; `offsets`: those of the segment. */
export function placeOf(
  { header: { spans, lines } }: Segment,
  offsets: Uint32Array,
  line: number,
): { readonly file: number; readonly offset: number; readonly length: number } {
  const index = spans.findLastIndex((each) => each.line <= line);
  const span = spans[index];
  if (span === undefined) throw new RangeError(`no line ${line} in the segment`);
  const offset = span.offset + (offsets[line] ?? 0);
  const isLast = line + 1 === (spans[index + 1]?.line ?? lines);
  const end = isLast ? span.end : span.offset + (offsets[line + 1] ?? 0);
  return { file: span.file, offset, length: end - offset - 1 };
}

/** A hash of an id, of 32 bits (FNV-1a over code units). */
export function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  return hash >>> 0;
}

/** {@link hashOf} an id that stands in some bytes, all of them ASCII. */
export function hashOfPlain(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  hash ^= hash >>> 15;
  return hash >>> 0;
}
