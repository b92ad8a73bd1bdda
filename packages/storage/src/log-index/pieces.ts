import { deserialize, serialize } from "node:v8";
import type { HashList } from "./hash-list.ts";
import { type Moment, NO_MOMENT } from "./moment.ts";
import type { SegmentHeader } from "./segment.ts";
import type { TailSegment } from "./tail-segment.ts";

/** The parts a segment is kept in; each is read when it is needed. */
export const PIECE = {
  header: 0,
  times: 1,
  types: 2,
  agents: 3,
  turns: 4,
  lines: 5,
  offsets: 6,
  kept: 7,
} as const;

/** Ids and causes are kept in so many parts, by their hash. */
export const CHUNKS = 64;

/** What a part holds, and where it belongs. */
interface Piece {
  readonly kind: number;
  readonly data: Uint8Array;
}

/** Records of one agent, to be kept. */
interface PostingPiece {
  readonly agent: number;
  readonly count: number;
  readonly data: Uint8Array;
}

/** A segment as it is kept. */
export interface SegmentPieces {
  readonly header: SegmentHeader;
  readonly pieces: readonly Piece[];
  readonly postings: readonly PostingPiece[];
  /** Ids in the first {@link CHUNKS}, causes in the next. */
  readonly chunks: readonly Piece[];
}

// Stands for no time where times are kept as integers.
const NO_TIME = -(2n ** 63n);

/** The header of a segment as it is kept. */
export interface KeptHeader extends SegmentHeader {
  /** Whether times are kept as integers of 64 bits, because some are not exact as numbers. */
  readonly bigTimes: boolean;
  /** The highest codes of types and agents: the database has as many texts at least. */
  readonly codes: { readonly types: number; readonly agents: number };
}

/** Makes what is kept of a segment. */
export function piecesOf(tail: TailSegment): SegmentPieces {
  const { header } = tail;
  const times = tail.times();
  const bigTimes = !(times instanceof Float64Array);
  const kept: KeptHeader = { ...header, bigTimes, codes: tail.codes };
  const pieces: Piece[] = [
    { kind: PIECE.header, data: serialize(kept) },
    { kind: PIECE.times, data: bytesOf(bigTimes ? bigTimesOf(times) : times) },
    { kind: PIECE.types, data: bytesOf(tail.types()) },
    { kind: PIECE.agents, data: bytesOf(tail.agents()) },
    { kind: PIECE.turns, data: bytesOf(tail.turns()) },
    { kind: PIECE.lines, data: bytesOf(tail.lines()) },
    { kind: PIECE.offsets, data: bytesOf(tail.offsets()) },
  ];
  const chunks = [...chunksOf(tail.ids, 0), ...chunksOf(tail.causes, CHUNKS)];
  const postings = postingsOf(tail);
  const there = [...postings.map(({ agent }) => agent), ...chunks.map(({ kind }) => -1 - kind)];
  pieces.push({ kind: PIECE.kept, data: bytesOf(Int32Array.from(there)) });
  return { header, pieces, postings, chunks };
}

/** Whether a segment was kept with records of an agent, or with a part of its ids: what is not found then was lost. */
export function wasKept(
  kept: Int32Array,
  what: { readonly agent: number } | { readonly chunk: number },
): boolean {
  return kept.includes("agent" in what ? what.agent : -1 - what.chunk);
}

/** Reads the header of a segment. */
export function headerOf(data: Uint8Array): KeptHeader {
  return deserialize(data) as KeptHeader;
}

/** Reads the times of a segment. */
export function timesOf(data: Uint8Array, bigTimes: boolean): ArrayLike<Moment> {
  if (!bigTimes) return new Float64Array(aligned(data));
  return Array.from(new BigInt64Array(aligned(data)), (time) => {
    if (time === NO_TIME) return NO_MOMENT;
    const number = Number(time);
    return Number.isSafeInteger(number) ? number : time;
  });
}

/** The bytes as a buffer of their own, so that arrays of any kind can be laid over them. */
export function aligned(data: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = data;
  return byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer
    ? buffer
    : Uint8Array.from(data).buffer;
}

/** Which of the parts an id is in. */
export function chunkOf(hash: number): number {
  return hash % CHUNKS;
}

/** Lines with a hash, from one of the parts. */
export function linesInChunk(data: Uint8Array, hash: number): number[] {
  const buffer = aligned(data);
  const count = data.byteLength / 6;
  const hashes = new Uint32Array(buffer, 0, count);
  const lines = new Uint16Array(buffer, count * 4, count);
  const found: number[] = [];
  for (let at = hashes.indexOf(hash); at !== -1; at = hashes.indexOf(hash, at + 1)) {
    found.push(lines[at] ?? 0);
  }
  return found;
}

function bigTimesOf(times: readonly Moment[]): BigInt64Array {
  return BigInt64Array.from(times, (time) => (time === NO_MOMENT ? NO_TIME : BigInt(time)));
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function chunksOf(list: HashList, base: number): Piece[] {
  const hashes = list.hashes.values();
  const lines = list.lines.values();
  const counts = new Uint32Array(CHUNKS);
  for (const hash of hashes) counts[hash % CHUNKS] = (counts[hash % CHUNKS] ?? 0) + 1;
  const parts = Array.from(counts, (count) => {
    const buffer = new ArrayBuffer(count * 6);
    return {
      hashes: new Uint32Array(buffer, 0, count),
      lines: new Uint16Array(buffer, count * 4, count),
      data: new Uint8Array(buffer),
      used: 0,
    };
  });
  for (let at = 0; at < hashes.length; at += 1) {
    const hash = hashes[at] ?? 0;
    const part = parts[hash % CHUNKS];
    if (part === undefined) continue;
    part.hashes[part.used] = hash;
    part.lines[part.used] = lines[at] ?? 0;
    part.used += 1;
  }
  return parts
    .map(({ data }, chunk) => ({ kind: base + chunk, data }))
    .filter(({ data }) => data.byteLength > 0);
}

/** Turns first, then types, then ranks: each is aligned, whatever their number. */
function postingsOf(tail: TailSegment): PostingPiece[] {
  const agents = tail.agents();
  const types = tail.types();
  const turns = tail.turns();
  const counts = new Map<number, number>();
  for (const agent of agents) if (agent !== 0) counts.set(agent, (counts.get(agent) ?? 0) + 1);
  const postings = new Map(
    [...counts].map(([agent, count]) => {
      const buffer = new ArrayBuffer(count * POSTING_BYTES);
      const made: [number, PostingInMaking] = [
        agent,
        { ...postingOver(buffer), data: new Uint8Array(buffer), used: 0 },
      ];
      return made;
    }),
  );
  for (let rank = 0; rank < agents.length; rank += 1) {
    const posting = postings.get(agents[rank] ?? 0);
    if (posting === undefined) continue;
    const at = posting.used;
    posting.ranks[at] = rank;
    posting.types[at] = types[rank] ?? 0;
    posting.turns[at] = turns[rank] ?? Number.NaN;
    posting.used += 1;
  }
  return [...postings]
    .map(([agent, { data, used }]) => ({ agent, count: used, data }))
    .toSorted((a, b) => a.agent - b.agent);
}

const POSTING_BYTES = 14;

interface PostingInMaking extends ReturnType<typeof postingOver> {
  readonly data: Uint8Array;
  used: number;
}

/** Lays the columns of a posting over its bytes. */
export function postingOver(buffer: ArrayBuffer): {
  readonly turns: Float64Array;
  readonly types: Int32Array;
  readonly ranks: Uint16Array;
} {
  const count = buffer.byteLength / POSTING_BYTES;
  return {
    turns: new Float64Array(buffer, 0, count),
    types: new Int32Array(buffer, count * 8, count),
    ranks: new Uint16Array(buffer, count * 12, count),
  };
}
