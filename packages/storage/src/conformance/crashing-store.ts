import type { Claim, Store } from "../store.ts";

/** What a call of a {@link crashingStore} finds when the power is gone. */
export class PowerOff extends Error {
  constructor() {
    super("power off");
  }
}

/** When the power goes. */
export interface Cut {
  /** Number of the call, from 1. */
  readonly at: number;
  /** Whether the call has its effect first, and only its answer is lost. */
  readonly after: boolean;
}

/** A store whose power goes off at one of its calls and stays off, and what it saw. */
export interface CrashingStore {
  /** The store to work on. Closing it does nothing: the inner one is for the next process. */
  readonly store: Store;
  /** Calls so far. */
  readonly calls: () => number;
  /** Whether the power went off. */
  readonly isOff: () => boolean;
  /** Numbers of the calls that change something: a lost answer matters only for these. */
  readonly writes: ReadonlySet<number>;
  /** Gives back what the dead process held, as the system would. */
  release(): Promise<void>;
}

/**
 * Wraps a store for tests of what is built on the port: work on it with the power going off at the first call, the second, ... until a run is
 * clean, take up again on the inner store each time, and compare.
 *
 * @param inner - What the calls reach until then; what they did stays.
 * @param cut - When the power goes; left out, calls are only counted. Every later call rejects with {@link PowerOff}.
 */
export function crashingStore(inner: Store, cut?: Cut): CrashingStore {
  let calls = 0;
  let off = false;
  const writes = new Set<number>();
  const claims: Claim[] = [];

  const guard = async <T>(call: () => Promise<T>): Promise<T> => {
    if (off) throw new PowerOff();
    calls += 1;
    const now = calls === cut?.at;
    if (now) off = true;
    if (now && !cut.after) throw new PowerOff();
    const result = await call();
    if (now) throw new PowerOff();
    return result;
  };
  const guardWrite = <T>(call: () => Promise<T>): Promise<T> => {
    writes.add(calls + 1);
    return guard(call);
  };
  async function* guardEach<T>(read: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    await guard(async () => {});
    for await (const item of read()) {
      if (off) throw new PowerOff();
      yield item;
    }
  }
  const { documents, logs, objects, work } = inner;
  const store: Store = {
    capabilities: inner.capabilities,
    locate: (place) => inner.locate(place),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    documents: {
      get: (key, options) => guard(() => documents.get(key, options)),
      getBytes: (key) => guard(() => documents.getBytes(key)),
      read: (key, options) => guardEach(() => documents.read(key, options)),
      put: (key, value, options) => guardWrite(() => documents.put(key, value, options)),
      delete: (key, options) => guardWrite(() => documents.delete(key, options)),
      list: (prefix, options) => guard(() => documents.list(prefix, options)),
      reserve: (prefix, options) => guardWrite(() => documents.reserve(prefix, options)),
    },
    logs: {
      append: (key, items, options) => guardWrite(() => logs.append(key, items, options)),
      sync: (key) => guardWrite(() => logs.sync(key)),
      head: (key) => guard(() => logs.head(key)),
      read: (key, options) => guardEach(() => logs.read(key, options)),
      tail: (key, options) => guardEach(() => logs.tail(key, options)),
      find: (key, filter, options) => guard(() => logs.find(key, filter, options)),
      count: (key, filter, options) => guard(() => logs.count(key, filter, options)),
      list: (prefix) => guard(() => logs.list(prefix)),
    },
    objects: {
      put: (content) => guardWrite(() => objects.put(content)),
      get: (checksum) => guardEach(() => objects.get(checksum)),
      has: (checksum) => guard(() => objects.has(checksum)),
      sync: () => guardWrite(() => objects.sync()),
      delete: (checksum) => guardWrite(() => objects.delete(checksum)),
      list: () => guardEach(() => objects.list()),
    },
    work: {
      offer: (queue, id, payload) => guardWrite(() => work.offer(queue, id, payload)),
      claim: (queue, worker, options) =>
        guardWrite(async () => {
          const claimed = await work.claim(queue, worker, options);
          claims.push(...claimed);
          return claimed;
        }),
      renew: (claim) => guardWrite(() => work.renew(claim)),
      settle: (claim, to) => guardWrite(() => work.settle(claim, to)),
      holder: (queue, id) => guard(() => work.holder(queue, id)),
    },
  };
  return {
    store,
    calls: () => calls,
    writes,
    isOff: () => off,
    release: async () => {
      for (const claim of claims) await work.settle(claim, "ready");
    },
  };
}
