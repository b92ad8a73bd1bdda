import { compareBytes } from "./byte-order.ts";
import { StoreConflictError } from "./errors.ts";
import { checkKey, checkPrefix } from "./key.ts";
import { checkAppendOptions, checkFrom, checkItems } from "./log-item.ts";
import { logFormat } from "./log-path.ts";
import { marksOf } from "./marks.ts";
import type { MemoryGuard } from "./memory-documents.ts";
import { countLines, searchLines } from "./search.ts";
import type {
  Filter,
  FindOptions,
  LogAppendOptions,
  LogItem,
  LogLine,
  Logs,
  Page,
  SearchedLog,
} from "./store.ts";

interface MemoryLog {
  readonly lines: string[];
  /** First position of each id. */
  readonly ids: Map<string, number>;
  readonly waiting: Set<() => void>;
}

/** Logs in memory. */
export class MemoryLogs implements Logs {
  readonly #guard: MemoryGuard;
  readonly #logs = new Map<string, MemoryLog>();
  #closed = false;

  constructor(guard: MemoryGuard) {
    this.#guard = guard;
  }

  async append(
    key: string,
    items: readonly LogItem[],
    options: LogAppendOptions = {},
  ): Promise<{ readonly position: number; readonly duplicate: boolean }> {
    this.#guard.assertOpen();
    checkKey(key);
    checkItems(key, items);
    checkAppendOptions(options);
    this.#guard.assertFence(options.fence);
    const log = this.#logs.get(key) ?? {
      lines: [],
      ids: new Map<string, number>(),
      waiting: new Set<() => void>(),
    };
    const fresh = freshItems(items, (id) => log.ids.get(id));
    if (fresh.items.length === 0) return { position: fresh.known, duplicate: true };
    if (options.expected !== undefined && options.expected !== log.lines.length) {
      throw positionConflict(key, options.expected, log.lines.length);
    }
    this.#logs.set(key, log);
    for (const { text } of fresh.items) {
      log.lines.push(text);
      const id = marksOf(text).id;
      if (id !== undefined && !log.ids.has(id)) log.ids.set(id, log.lines.length);
    }
    wake(log);
    return { position: log.lines.length, duplicate: false };
  }

  async sync(key: string): Promise<void> {
    this.#guard.assertOpen();
    checkKey(key);
  }

  async head(key: string): Promise<number> {
    this.#guard.assertOpen();
    checkKey(key);
    return this.#logs.get(key)?.lines.length ?? 0;
  }

  async *read(
    key: string,
    options: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LogLine> {
    this.#guard.assertOpen();
    checkKey(key);
    const { from = 1, signal } = options;
    checkFrom(from);
    for (let position = from; ; position += 1) {
      signal?.throwIfAborted();
      const text = this.#logs.get(key)?.lines[position - 1];
      if (text === undefined) return;
      yield { position, text };
    }
  }

  async *tail(
    key: string,
    options: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LogLine> {
    this.#guard.assertOpen();
    checkKey(key);
    const { from = 1, signal } = options;
    checkFrom(from);
    for (let position = from; ; ) {
      if (signal?.aborted === true || this.#closed) return;
      const log = this.#logs.get(key) ?? {
        lines: [],
        ids: new Map<string, number>(),
        waiting: new Set<() => void>(),
      };
      this.#logs.set(key, log);
      const text = log.lines[position - 1];
      if (text === undefined) {
        await moreOrAbort(log, signal);
      } else {
        yield { position, text };
        position += 1;
      }
    }
  }

  async find(key: string, filter: Filter, options: FindOptions): Promise<Page<LogLine> & SearchedLog> {
    return searchLines(this.read(key, withSignal(options.signal)), filter, options, logFormat(key));
  }

  async count(
    key: string,
    filter: Filter,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly count: number } & SearchedLog> {
    return countLines(this.read(key, withSignal(options.signal)), filter, logFormat(key));
  }

  async list(prefix: string): Promise<readonly string[]> {
    this.#guard.assertOpen();
    checkPrefix(prefix);
    return [...this.#logs]
      .filter(([key, log]) => key.startsWith(prefix) && log.lines.length > 0)
      .map(([key]) => key)
      .toSorted(compareBytes);
  }

  /** Ends everybody who waits for more. */
  close(): void {
    this.#closed = true;
    for (const log of this.#logs.values()) wake(log);
  }
}

/**
 * Leaves out of a batch what the log holds already, by `dedupe` id, and what the batch holds twice.
 *
 * @returns The rest, and the position of the last known one.
 */
export function freshItems(
  items: readonly LogItem[],
  positionOf: (id: string) => number | undefined,
): { readonly items: readonly LogItem[]; readonly known: number } {
  let known = 0;
  const seen = new Set<string>();
  const fresh = items.filter(({ dedupe }) => {
    if (dedupe === undefined) return true;
    const position = positionOf(dedupe);
    if (position !== undefined) known = position;
    if (position !== undefined || seen.has(dedupe)) return false;
    seen.add(dedupe);
    return true;
  });
  return { items: fresh, known };
}

/** The error for a log that does not end where expected. */
function positionConflict(key: string, expected: number, actual: number): StoreConflictError {
  return new StoreConflictError(
    `Cannot append to "${key}": it ends at position ${actual}, expected was ${expected}; read what is new and repeat`,
    { path: key, expected, actual },
  );
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function wake(log: MemoryLog): void {
  for (const resume of log.waiting) resume();
}

async function moreOrAbort(log: MemoryLog, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      log.waiting.delete(done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    log.waiting.add(done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
