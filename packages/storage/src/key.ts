import { isDeviceName } from "./device-name.ts";
import { StoreError } from "./errors.ts";

/** Longest part of a key, in bytes of UTF-8: a file name of 255 bytes with room for endings and temporary names. */
const MAX_PART_BYTES = 180;
/** Longest key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;

// Endings that the file store gives to its own files: a folder of that name would stand in a file's place.
const OWN_ENDING = /\.(json|json\.zst|ndjson|jsonl|txt|corrupt)$/i;
// Folders and files that are no documents or logs.
const RESERVED_FIRST = new Set(["objects", "work", "store"]);

// Nearly every key: letters, digits, underscores and hyphens, and no part that is short enough to be the name of a device. Each turn of a simulation checks three.
const PLAIN = /^(?:runs|tasks|jobs|snapshots|idempotency)(?:\/(?:[A-Za-z0-9_-]{5,}|run|last))+$/;
const MAX_PLAIN_LENGTH = 180;

/**
 * Checks a key of a document or log: parts joined by `/`, none empty, hidden (starting with a dot), longer than
 * {@link MAX_PART_BYTES}, ending in a dot or space, or holding control characters or one of `\ : * ? " < > |`; the first part
 * is not `objects`, `work` or `store`; no part but the last ends like a file of the store (`.json`, `.ndjson`, ...).
 *
 * @throws {StoreError} `STORE_KEY`, saying what is wrong with it.
 */
export function checkKey(key: string): void {
  if (typeof key !== "string") throw new TypeError(`A key is a text, not ${typeof key}`);
  const problem = problemOfKey(key);
  if (problem !== undefined) throw keyError(key, problem);
}

/**
 * Checks the prefix of a listing: a key cut off anywhere, or nothing.
 *
 * @throws {StoreError} `STORE_KEY`
 */
export function checkPrefix(prefix: string): void {
  if (typeof prefix !== "string") throw new TypeError(`A prefix is a text, not ${typeof prefix}`);
  const parts = prefix.split("/");
  const last = parts.pop() ?? "";
  for (const part of parts) {
    const problem = problemOfPart(part);
    if (problem !== undefined) throw keyError(prefix, problem);
  }
  const problem = last === "" ? undefined : problemOfCharacters(last);
  if (problem !== undefined) throw keyError(prefix, problem);
}

function keyError(key: string, problem: string): StoreError {
  const shown = key.length > 200 ? `${key.slice(0, 200)}...` : key;
  return new StoreError(
    "STORE_KEY",
    `Cannot use the key ${JSON.stringify(shown)}: ${problem}; choose another name`,
    {
      path: key,
    },
  );
}

/** What is wrong with a key; `undefined` when nothing is. */
export function problemOfKey(key: string): string | undefined {
  if (key.length <= MAX_PLAIN_LENGTH && PLAIN.test(key)) return undefined;
  return problemOfAnyKey(key);
}

/** {@link problemOfKey} for every key, part by part. */
export function problemOfAnyKey(key: string): string | undefined {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  const parts = key.split("/");
  for (const [index, part] of parts.entries()) {
    const problem = problemOfPart(part);
    if (problem !== undefined) return problem;
    if (index < parts.length - 1 && OWN_ENDING.test(part)) {
      return `the part ${JSON.stringify(part)} ends like a file of the store`;
    }
  }
  const first = parts[0] ?? "";
  if (RESERVED_FIRST.has(first.toLowerCase())) return `${JSON.stringify(first)} is the store's own`;
  return undefined;
}

function problemOfPart(part: string): string | undefined {
  const shown = JSON.stringify(part.slice(0, 100));
  if (part === "") return "it has an empty part";
  if (part.startsWith(".")) return `the part ${shown} starts with a dot`;
  if (part.endsWith(".") || part.endsWith(" ")) return `the part ${shown} ends with a dot or a space`;
  if (isDeviceName(part)) return `the part ${shown} is the name of a device on some systems`;
  if (Buffer.byteLength(part) > MAX_PART_BYTES)
    return `the part ${shown} is longer than ${MAX_PART_BYTES} bytes`;
  return problemOfCharacters(part);
}

function problemOfCharacters(part: string): string | undefined {
  if (!part.isWellFormed()) return "it holds half of a surrogate pair";
  for (const character of part) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return "it holds a control character";
    if ('\\:*?"<>|'.includes(character)) return `it holds the character ${JSON.stringify(character)}`;
  }
  return undefined;
}
