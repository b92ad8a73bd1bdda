import type { Json } from "./json.ts";
import type { JsonDraft } from "./json-draft.ts";

/** How a document is kept. */
export type Compression = "none" | "zstd";

/** Bytes of an object. */
export type Bytes = Uint8Array;

/** One page of a list; `cursor` is there when more follows. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

/** What a line of a log can be searched by. An engine may derive them from the text; they must then agree with it. */
export interface Marks {
  /** Microseconds since 1970. */
  readonly at?: bigint;
  readonly type?: string;
  readonly agent?: string;
  readonly turn?: number;
  readonly id?: string;
  readonly causes?: readonly string[];
}

/** A search by marks: bounds are inclusive, sets are alternatives, everything given must hold. */
export interface Filter {
  readonly from?: bigint;
  readonly to?: bigint;
  readonly types?: readonly string[];
  readonly agents?: readonly string[];
  readonly turnStart?: number;
  readonly turnEnd?: number;
  readonly ids?: readonly string[];
  readonly causes?: readonly string[];
}

/** Proof of holding an item of a queue. A write that carries it is refused once somebody else holds the item. */
export interface Fence {
  readonly queue: string;
  readonly id: string;
  /** Only grows, from one holder of the item to the next. */
  readonly token: number;
}

/** An item that was claimed: a {@link Fence}, its payload and its holder. */
export interface Claim extends Fence {
  readonly payload: Json;
  readonly worker: string;
}

/** Who holds an item, as far as the engine can tell. */
export interface Holder {
  readonly worker: string;
  readonly pid?: number;
  readonly host?: string;
  /** RFC 3339. */
  readonly since?: string;
  readonly token: number;
}

/** A line of a log: its text, byte for byte as it was appended, and its position (dense, from 1). */
export interface LogLine {
  readonly position: number;
  readonly text: string;
}

/** A line to append. */
export interface LogItem {
  /**
   * One line, without a newline: one JSON value, which the caller vouches for; in a log whose key ends in `transcript`, any text.
   * At most `capabilities.maxText` bytes.
   */
  readonly text: string;
  /** What the line is found by, for engines that do not look into the text. Those of this package derive it from the text. */
  readonly marks?: Marks;
  /**
   * The id under which the line is kept once. It must be the line's own `event_id` or `message_id`: so it is known again after
   * a restart without anything that is kept beside the line.
   */
  readonly dedupe?: string;
}

/** How a batch is appended to a log. */
export interface LogAppendOptions {
  /** The position the log must end at. */
  readonly expected?: number;
  readonly fence?: Fence;
  /**
   * When the append resolves. `synced` (default): when the batch is on stable storage. `written`: when the operating system has it, so
   * that it survives the end of the process and not that of the machine; it is synced within about a second, by `sync()`, and before
   * the log is given up or the store closed.
   */
  readonly durability?: "synced" | "written";
  /** Whether the batch is whole or absent after a crash (default true). With `false` its first lines can be there and the rest not. */
  readonly whole?: boolean;
  /**
   * An engine that keeps logs in files puts the current one aside before it would grow past this many bytes; a line is never split, nor a
   * batch. Taken when this store opens the log for writing, by its first append. Default: as the store was opened.
   */
  readonly rotateBytes?: number;
}

/** What a search of a log says beside what it found. */
export interface SearchedLog {
  /** Position of the last line that was looked at. */
  readonly asOf: number;
  /** Lines up to there that are no JSON objects: they keep their positions, and no search finds them. 0 for a log of plain text. */
  readonly damaged: number;
}

/** How lines are looked for. */
export interface FindOptions {
  /** Lines a page, from 1. */
  readonly limit: number;
  /** That of the page before. */
  readonly cursor?: string;
  /** Lines to skip, from 0; after those that the cursor skips. */
  readonly offset?: number;
  readonly newestFirst?: boolean;
  readonly signal?: AbortSignal;
}

/** Something in a store, to be named to a person. */
export type Place =
  | { readonly document: string }
  | { readonly log: string; readonly position?: number }
  | { readonly object: string };

/**
 * Documents: JSON values replaced whole, with compare-and-set on a revision. The first part of a key is its partition.
 *
 * A key is a text of parts joined by `/`; see the README for what a part may hold (`STORE_KEY`).
 */
export interface Documents {
  /**
   * Rejects with `STORE_DAMAGED` when what is stored cannot be read back. `exact`: also when reading would change it, which happens only to
   * what another program wrote: a key that occurs twice in its object, a number that a double cannot hold. `durable`: what it gives is on
   * stable storage when it resolves, for who tells others that it stands; a writer that was killed, or failed, may have left it where
   * everybody sees it and a loss of power takes it back. Rejects with `STORE_FAILED` when this store knows that it cannot be told.
   */
  get(
    key: string,
    options?: { readonly exact?: boolean; readonly durable?: boolean },
  ): Promise<{ readonly value: Json; readonly revision: string } | undefined>;
  /**
   * The text of a document as it stands, in UTF-8: for who checks the bytes themselves, or reads a part of them. It need not be JSON.
   * The bytes are the caller's: nobody else has them.
   * The revision is made when it is asked for. Rejects with `STORE_DAMAGED` when what is stored cannot be read back.
   */
  getBytes(key: string): Promise<{ readonly bytes: Bytes; readonly revision: string } | undefined>;
  /**
   * The text of a document as it stands, piece by piece from its beginning, for who may stop before its end; no more is read than was
   * asked for. Rejects with `STORE_MISSING` when there is none.
   */
  read(key: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Bytes>;
  /**
   * `expected`: the revision it must have, `null` when it must not exist yet; otherwise `STORE_CONFLICT`, and nothing is written.
   * A {@link JsonDraft} is kept as the document it stands for; its long lists are made while they are written, where the engine can,
   * and its texts are written as they are. `compression`: how it is kept, where the engine can; default `none`. It reads back the
   * same either way.
   */
  put(
    key: string,
    value: Json | JsonDraft,
    options?: {
      readonly expected?: string | null;
      readonly fence?: Fence;
      readonly compression?: Compression;
    },
  ): Promise<{ readonly revision: string }>;
  /** Deleting what is not there is fine, unless `expected` says otherwise. */
  delete(key: string, options?: { readonly expected?: string; readonly fence?: Fence }): Promise<void>;
  /** Keys that start with `prefix`, in byte order, at most `limit` (default 1,000); `after` takes a key, or a page's `cursor`. */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<Page<{ readonly key: string }>>;
  /**
   * Takes a prefix of keys, such as `runs/<id>`, for the caller: of several who ask, one gets true, and that is durable. False when it
   * was taken before, or when something is kept below it. What is taken is not given back; writes below it are not limited to who took it.
   */
  reserve(prefix: string, options?: { readonly fence?: Fence }): Promise<boolean>;
}

/** Logs: lines of exact text, appended only, durable when `append` resolves (unless it asks for less). */
export interface Logs {
  /**
   * Appends a batch, whole or not at all. `expected`: the position the log must end at.
   * Resolves with the position of the last line of the batch, and `duplicate` when every item was known by its `dedupe` id
   * (then nothing was written, and the position is that of the known line). Of a batch that is known in part only the rest is written.
   * What is looked at first: the fence (`STORE_FENCED`), then the ids, then `expected` (`STORE_CONFLICT`).
   */
  append(
    key: string,
    items: readonly LogItem[],
    options?: LogAppendOptions,
  ): Promise<{ readonly position: number; readonly duplicate: boolean }>;
  /**
   * Resolves when everything that was appended to the log through this store, `written` lines too, is durable. Rejects with
   * `STORE_FAILED` when it is not, and never will be.
   */
  sync(key: string): Promise<void>;
  /** Position of the last line; 0 for a log that is empty or not there. */
  head(key: string): Promise<number>;
  /** The lines from a position (default 1) to the end at the time it gets there; an empty list for a log that is not there. */
  read(
    key: string,
    options?: { readonly from?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<LogLine>;
  /** As `read`, then waits for more until the signal aborts. */
  tail(
    key: string,
    options?: { readonly from?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<LogLine>;
  /**
   * Lines that match, in order of `at` then `id` (by its bytes) then position; lines without `at` come first, those without `id` before
   * those with one. A byte order mark before a line is left out of its text.
   */
  find(key: string, filter: Filter, options: FindOptions): Promise<Page<LogLine> & SearchedLog>;
  count(
    key: string,
    filter: Filter,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly count: number } & SearchedLog>;
  /** Keys of logs that start with `prefix`, in byte order. */
  list(prefix: string): Promise<readonly string[]>;
}

/** Contents, each kept once under its checksum (`sha256:` and 64 hex digits). */
export interface Objects {
  /** Durable when it resolves. */
  put(content: Bytes | AsyncIterable<Bytes>): Promise<{ readonly checksum: string; readonly size: number }>;
  /** Verified while it is read: rejects with `STORE_DAMAGED` at the latest at its end; `STORE_MISSING` when there is none. */
  get(checksum: string): AsyncIterable<Bytes>;
  /** Whether it is there. A loss of power may still take back what a writer that was killed a moment ago put; `sync()` ends that. */
  has(checksum: string): Promise<boolean>;
  /** Resolves when every object that `has()` found through this store is durable. Rejects with `STORE_FAILED` when that cannot be told. */
  sync(): Promise<void>;
  delete(checksum: string): Promise<void>;
  list(): AsyncIterable<{ readonly checksum: string; readonly size: number }>;
}

/** Queues of items that one worker at a time may hold. A run's lock is one item of a queue. */
export interface Work {
  /** An id is any text up to 4,096 bytes. False: known already, whatever its state. */
  offer(queue: string, id: string, payload: Json): Promise<boolean>;
  /**
   * Claims what is ready and free, in no promised order, at most `count` (default 1). With `id`, that item alone; when another
   * holds it, rejects with `STORE_HELD` and its holder; an item that is not there, done or failed gives an empty list.
   * `ttlMs` is for engines that cannot see a holder die; on files a claim ends with its process and never before.
   */
  claim(
    queue: string,
    worker: string,
    options?: { readonly ttlMs?: number; readonly id?: string; readonly count?: number },
  ): Promise<readonly Claim[]>;
  /** False: fenced off; stop. */
  renew(claim: Claim): Promise<boolean>;
  /** False: fenced off, nothing changed. `ready` gives it back. */
  settle(claim: Claim, to: "done" | "failed" | "ready"): Promise<boolean>;
  /** Who holds an item now; `undefined` when nobody does. */
  holder(queue: string, id: string): Promise<Holder | undefined>;
}

/**
 * Where Holdfast keeps its state. Everything above takes a store, never a path.
 *
 * Promised, and proved for each implementation by `@holdfast/storage/conformance`: a resolved write survives what
 * `capabilities.survives` says; compare-and-set never loses an update; positions are dense from 1, a batch is whole or
 * absent, a read is a prefix; a known dedupe id, a stale `expected` or an old fence writes nothing and says the actual
 * value; one winner a claim, fences rise; text comes back byte for byte.
 *
 * Not promised: transactions over several keys, order between logs, exactly-once effects, that a claim's holder is alone
 * (only that an old fence is refused), searches beyond the marks.
 */
export interface Store extends AsyncDisposable {
  readonly capabilities: {
    readonly survives: "process" | "power" | "node" | "nothing";
    readonly find: "scan" | "index";
    /** Longest text of a log line, in bytes of UTF-8. */
    readonly maxText: number;
  };
  readonly documents: Documents;
  readonly logs: Logs;
  readonly objects: Objects;
  readonly work: Work;
  /** Where something lives, for messages to people: on files the path below the root, with the line. */
  locate(place: Place): string;
  close(): Promise<void>;
}
