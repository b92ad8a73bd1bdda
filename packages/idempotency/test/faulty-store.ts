import type { Documents, Store, Work } from "@holdfast/storage";

/** What a faulty store throws. */
export class InjectedFault extends Error {
  override readonly name = "InjectedFault";
}

/** Fails one call: before anything happened, or after it happened, as when the answer is lost. */
export interface Fault {
  /** From 1, over all calls that are counted. */
  readonly at: number;
  readonly when: "before" | "after";
}

/** A store whose n-th call of its documents or its work fails; `calls` counts them. Giving a claim back never fails. */
export function faultyStore(
  store: Store,
  fault: Fault,
): { readonly store: Store; readonly calls: () => number } {
  let calls = 0;
  async function counted<T>(action: () => Promise<T>): Promise<T> {
    calls += 1;
    const fails = calls === fault.at;
    if (fails && fault.when === "before") throw new InjectedFault("before");
    const result = await action();
    if (fails) throw new InjectedFault("after");
    return result;
  }
  const { documents, work } = store;
  const faultyDocuments: Documents = {
    get: (...given) => counted(() => documents.get(...given)),
    getBytes: (...given) => counted(() => documents.getBytes(...given)),
    read: (...given) => documents.read(...given),
    put: (...given) => counted(() => documents.put(...given)),
    delete: (...given) => counted(() => documents.delete(...given)),
    list: (...given) => counted(() => documents.list(...given)),
    reserve: (...given) => counted(() => documents.reserve(...given)),
  };
  const faultyWork: Work = {
    offer: (...given) => counted(() => work.offer(...given)),
    claim: async (...given) => {
      calls += 1;
      const fails = calls === fault.at;
      if (fails && fault.when === "before") throw new InjectedFault("before");
      const claims = await work.claim(...given);
      if (!fails) return claims;
      // Whoever holds a claim without knowing it is dead: nobody would give it back.
      for (const claim of claims) await work.settle(claim, "ready");
      throw new InjectedFault("after");
    },
    renew: (claim) => work.renew(claim),
    settle: (...given) => work.settle(...given),
    holder: (...given) => counted(() => work.holder(...given)),
  };
  return {
    calls: () => calls,
    store: {
      capabilities: store.capabilities,
      documents: faultyDocuments,
      logs: store.logs,
      objects: store.objects,
      work: faultyWork,
      locate: (place) => store.locate(place),
      close: () => store.close(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    },
  };
}
