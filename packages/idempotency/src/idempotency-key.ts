import { checksumBytes } from "@holdfast/checksum";
import { canonicalJson } from "./canonical-json.ts";

/** An idempotency key: `ik:` and 64 lowercase hex digits. */
export type IdempotencyKey = `ik:${string}`;

/** What an idempotency key looks like, anchored at both ends; for schemas of records that hold one. */
export const IDEMPOTENCY_KEY_PATTERN: RegExp = /^ik:[0-9a-f]{64}$/;

/** What makes a piece of work the same work. */
export interface IdempotencyKeyParts {
  /** What is to be done, such as `implement`. No line end in it. */
  readonly action: string;
  /** The task it is done for. No line end in it. */
  readonly task_id: string;
  /** The workspace it is done on. No line end in it. */
  readonly snapshot_id: string;
  /** Everything else that changes what is done; any plain JSON. */
  readonly inputs: unknown;
  /** What must come of it; any plain JSON. */
  readonly expected_outputs: unknown;
}

/**
 * The key of a piece of work: the same work has the same key, on every machine and at every time.
 *
 * `"ik:" + hex(sha256(action "\n" task_id "\n" snapshot_id "\n" jcs(inputs) "\n" jcs(expected_outputs)))`, where `jcs` is {@link canonicalJson}.
 *
 * @param parts - The work. The order of keys in `inputs` and `expected_outputs` does not matter; the order of lists does.
 * @returns `ik:` and 64 lowercase hex digits.
 * @throws {TypeError} When `action`, `task_id` or `snapshot_id` is not a text, holds a line end (two different works could get one key) or a lone surrogate.
 * @throws {CanonicalJsonError} When `inputs` or `expected_outputs` is not plain JSON; `documentPath` begins with the name of the part.
 */
export function idempotencyKey(parts: IdempotencyKeyParts): IdempotencyKey {
  const head = `${line("action", parts.action)}${line("task_id", parts.task_id)}${line("snapshot_id", parts.snapshot_id)}`;
  const inputs = canonicalJson(parts.inputs, { root: "inputs" });
  const outputs = canonicalJson(parts.expected_outputs, { root: "expected_outputs" });
  return `ik:${checksumBytes(`${head}${inputs}\n${outputs}`).slice("sha256:".length)}`;
}

/**
 * Says whether a value is an idempotency key, letter for letter.
 *
 * @param value - Anything.
 */
export function isIdempotencyKey(value: unknown): value is IdempotencyKey {
  return typeof value === "string" && IDEMPOTENCY_KEY_PATTERN.test(value);
}

function line(name: string, text: unknown): string {
  if (typeof text !== "string")
    throw new TypeError(`Cannot make an idempotency key: "${name}" must be a text, found ${typeof text}`);
  if (text.includes("\n"))
    throw new TypeError(
      `Cannot make an idempotency key: "${name}" holds a line end, remove it: ${JSON.stringify(text)}`,
    );
  if (!text.isWellFormed())
    throw new TypeError(`Cannot make an idempotency key: "${name}" holds a lone surrogate`);
  return `${text}\n`;
}
