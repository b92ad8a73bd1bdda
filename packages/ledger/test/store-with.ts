import { type Logs, memoryStore, type Store } from "@holdfast/storage";

/** A store whose logs do some things in another way. */
export function storeWith(store: Store, change: Partial<Logs>): Store {
  const { logs } = store;
  return {
    capabilities: store.capabilities,
    documents: store.documents,
    objects: store.objects,
    work: store.work,
    logs: {
      append: (...args) => logs.append(...args),
      sync: (key) => logs.sync(key),
      head: (key) => logs.head(key),
      read: (...args) => logs.read(...args),
      tail: (...args) => logs.tail(...args),
      find: (...args) => logs.find(...args),
      count: (...args) => logs.count(...args),
      list: (prefix) => logs.list(prefix),
      ...change,
    },
    locate: (place) => store.locate(place),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** A store whose logs hold these lines, such as no store would write them. */
export function storeOfLines(lines: readonly string[]): Store {
  return storeWith(memoryStore(), {
    head: () => Promise.resolve(lines.length),
    read: async function* read(_key, { from = 1 } = {}) {
      for (const [index, text] of lines.entries()) if (index + 1 >= from) yield { position: index + 1, text };
    },
  });
}
