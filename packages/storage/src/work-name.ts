import { StoreError } from "./errors.ts";

const MAX_ID_BYTES = 4_096;

/**
 * Checks the names of a queue (letters, digits, `.`, `_`, `-`; no dot first; 100 at most) and of an item (any text that is not empty, at most
 * 4,096 bytes of UTF-8).
 *
 * @throws {StoreError} `STORE_KEY`
 */
export function checkWorkName(queue: string, id?: string): void {
  if (typeof queue !== "string" || !/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(queue)) {
    throw nameError("queue", queue, "a name is 1 to 100 letters, digits, dots, underscores and hyphens");
  }
  if (id === undefined) return;
  if (typeof id !== "string" || id === "") throw nameError("item", id, "an id is a text that is not empty");
  if (!id.isWellFormed()) throw nameError("item", id, "it holds half of a surrogate pair");
  if (Buffer.byteLength(id) > MAX_ID_BYTES)
    throw nameError("item", id, `it is longer than ${MAX_ID_BYTES} bytes`);
}

function nameError(what: string, name: string, problem: string): StoreError {
  return new StoreError(
    "STORE_KEY",
    `Cannot use the ${what} ${JSON.stringify(name.slice(0, 100))}: ${problem}`,
    {
      path: name,
    },
  );
}
