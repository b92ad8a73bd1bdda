import type { Store } from "../store.ts";
import { documentCases } from "./document-cases.ts";
import { fenceCases } from "./fence-cases.ts";
import { logCases } from "./log-cases.ts";
import { objectCases } from "./object-cases.ts";
import { restartCases } from "./restart-cases.ts";
import { damagedLineCases, searchCases } from "./search-cases.ts";
import type { StoreUnderTest, TestApi, WithStores } from "./test-api.ts";
import { workCases } from "./work-cases.ts";

export type { StoreUnderTest } from "./test-api.ts";

/**
 * Registers the tests that every store passes: what the port promises, tried from outside.
 *
 * Cases of what survives run as far as the store's `capabilities` claim it.
 *
 * @param name - What the tests are named by, for example `fileStore`.
 * @param factory - Gives a new, empty place for each test.
 * @param api - `describe` and `it` of the test runner.
 */
export function storeConformance(
  name: string,
  factory: () => StoreUnderTest | Promise<StoreUnderTest>,
  api: TestApi,
): void {
  const withStores: WithStores = (body) => async () => {
    const place = await factory();
    const opened: Store[] = [];
    try {
      await body(async () => {
        const store = await place.open();
        opened.push(store);
        return store;
      });
    } finally {
      for (const store of opened) await store.close();
      await place.dispose?.();
    }
  };
  api.describe(`${name} keeps the contract of a store`, () => {
    documentCases(api, withStores);
    logCases(api, withStores);
    searchCases(api, withStores);
    damagedLineCases(api, withStores);
    objectCases(api, withStores);
    workCases(api, withStores);
    fenceCases(api, withStores);
    restartCases(api, withStores);
  });
}
