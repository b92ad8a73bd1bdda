import { closedError } from "./errors.ts";
import { MAX_TEXT_BYTES } from "./log-item.ts";
import { MemoryDocuments, type MemoryGuard } from "./memory-documents.ts";
import { MemoryLogs } from "./memory-logs.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { MemoryWork } from "./memory-work.ts";
import type { Place, Store } from "./store.ts";
import { type Clock, systemClock } from "./timestamp.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Where the time comes from; default {@link systemClock}. */
  readonly clock?: Clock;
}

/**
 * A store in memory, for tests: it keeps the same contract as one on files, except that nothing survives it.
 *
 * @param options - `clock`: where the time of claims comes from.
 * @returns A store that lasts as long as the object.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw closedError("the store in memory");
  };
  const work = new MemoryWork(assertOpen, options.clock ?? systemClock);
  const guard: MemoryGuard = { assertOpen, assertFence: (fence) => work.assertFence(fence) };
  const logs = new MemoryLogs(guard);
  const close = async (): Promise<void> => {
    closed = true;
    logs.close();
  };
  return {
    capabilities: { survives: "nothing", find: "scan", maxText: MAX_TEXT_BYTES },
    documents: new MemoryDocuments(guard, (prefix) => logs.list(prefix)),
    logs,
    objects: new MemoryObjects(guard),
    work,
    locate: locateInMemory,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function locateInMemory(place: Place): string {
  if ("document" in place) return `memory:${place.document}`;
  if ("object" in place) return `memory:${place.object}`;
  return place.position === undefined ? `memory:${place.log}` : `memory:${place.log}:${place.position}`;
}
