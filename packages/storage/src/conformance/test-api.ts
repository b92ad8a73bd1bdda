import type { Store } from "../store.ts";

/** What the suite needs of a test runner; those of vitest and `node:test` fit. */
export interface TestApi {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** A place for a store that can be opened more than once, one after the other or at the same time. */
export interface StoreUnderTest {
  /** Opens a store on the place; the same contents each time, unless nothing survives its end. */
  open(): Store | Promise<Store>;
  /** Removes the place. Stores on it are closed by the suite before. */
  dispose?(): void | Promise<void>;
}

/** Runs a body with a place, and closes what it opened. */
export type WithStores = (body: (open: () => Promise<Store>) => Promise<void>) => () => Promise<void>;

/** Gathers what an iterable gives. */
export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}
