import assert from "node:assert/strict";

/**
 * Checks the plainest of promises: of versions that were written one after the other there is the last acknowledged one, or one that was begun after it.
 *
 * @param found - The version that is there; `undefined` for none.
 * @param start - What was there before the first; `undefined` for nothing.
 */
export function checkVersion<T>(
  found: T | undefined,
  { begun, acknowledged }: { readonly begun: readonly T[]; readonly acknowledged: readonly T[] },
  start?: T,
): void {
  const allowed = [acknowledged.at(-1) ?? start, ...begun.slice(acknowledged.length)];
  assert.ok(
    allowed.some((one) => JSON.stringify(one) === JSON.stringify(found)),
    `there is ${JSON.stringify(found)}, allowed are ${JSON.stringify(allowed)}`,
  );
}

/** Checks a list that only grows: everything acknowledged is there, in its order, and nothing that was not begun. */
export function checkList<T>(
  found: readonly T[],
  { begun, acknowledged }: { readonly begun: readonly T[]; readonly acknowledged: readonly T[] },
): void {
  const text = JSON.stringify(found);
  assert.ok(found.length >= acknowledged.length, `${text} lacks some of ${JSON.stringify(acknowledged)}`);
  assert.deepEqual(found, begun.slice(0, found.length), `${text} is not a beginning of what was written`);
}
