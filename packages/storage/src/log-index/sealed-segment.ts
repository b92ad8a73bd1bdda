import { type IndexDatabase, StaleIndexError } from "./index-database.ts";
import type { Moment } from "./moment.ts";
import type { PieceCache } from "./piece-cache.ts";
import {
  aligned,
  CHUNKS,
  chunkOf,
  headerOf,
  type KeptHeader,
  linesInChunk,
  PIECE,
  postingOver,
  timesOf,
  wasKept,
} from "./pieces.ts";
import { hashOf, type Posting, type Segment, type SegmentHeader } from "./segment.ts";

/** A segment that is kept in a database; its parts are read when they are needed. */
export class SealedSegment implements Segment {
  readonly header: SegmentHeader;
  readonly isSealed = true;
  readonly codes: KeptHeader["codes"];
  readonly #no: number;
  readonly #bigTimes: boolean;
  readonly #database: IndexDatabase;
  readonly #cache: PieceCache;
  /** Names this segment among all that share the cache. */
  readonly #name: string;

  constructor(no: number, header: Uint8Array, database: IndexDatabase, cache: PieceCache, owner: string) {
    const { bigTimes, codes, ...rest } = headerOf(header);
    this.codes = codes;
    this.header = rest;
    this.#no = no;
    this.#bigTimes = bigTimes;
    this.#database = database;
    this.#cache = cache;
    this.#name = `${owner}/${no}`;
  }

  times(): ArrayLike<Moment> {
    return this.#piece(PIECE.times, (data) => timesOf(data, this.#bigTimes));
  }

  types(): Int32Array {
    return this.#piece(PIECE.types, (data) => new Int32Array(aligned(data)));
  }

  agents(): Int32Array {
    return this.#piece(PIECE.agents, (data) => new Int32Array(aligned(data)));
  }

  turns(): Float64Array {
    return this.#piece(PIECE.turns, (data) => new Float64Array(aligned(data)));
  }

  lines(): Uint16Array {
    return this.#piece(PIECE.lines, (data) => new Uint16Array(aligned(data)));
  }

  offsets(): Uint32Array {
    return this.#piece(PIECE.offsets, (data) => new Uint32Array(aligned(data)));
  }

  agentCount(agent: number): number {
    return this.#database.postingCount(this.#no, agent) ?? this.#nothing({ agent }, 0);
  }

  posting(agent: number): Posting | undefined {
    const data = this.#database.posting(this.#no, agent);
    return data === undefined ? this.#nothing({ agent }, undefined) : postingOver(aligned(data));
  }

  withId(id: string): readonly number[] {
    return this.#withHash(this.header.ids, id, 0);
  }

  withCause(cause: string): readonly number[] {
    return this.#withHash(this.header.causes, cause, CHUNKS);
  }

  #withHash(range: readonly [string, string] | undefined, id: string, base: number): readonly number[] {
    if (range === undefined || id < range[0] || id > range[1]) return [];
    const hash = hashOf(id);
    const chunk = base + chunkOf(hash);
    const data = this.#database.chunk(this.#no, chunk);
    return data === undefined ? this.#nothing({ chunk }, []) : linesInChunk(data, hash);
  }

  /** The answer where there is no row, when there never was one. */
  #nothing<T>(what: { readonly agent: number } | { readonly chunk: number }, answer: T): T {
    const kept = this.#piece(PIECE.kept, (data) => new Int32Array(aligned(data)));
    if (wasKept(kept, what)) throw new StaleIndexError("a row was lost", { isDamaged: true });
    return answer;
  }

  #piece<T>(kind: number, over: (data: Uint8Array) => T): T {
    return this.#cache.get(`${this.#name}/${kind}`, () => {
      const data = this.#database.piece(this.#no, kind);
      return { value: over(data), bytes: data.byteLength };
    });
  }
}
