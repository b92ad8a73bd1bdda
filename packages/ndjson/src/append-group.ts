import { type AppendQueue, lineCount, type Waiting } from "./append-queue.ts";
import { LogConflictError } from "./errors.ts";
import type { LogDurability } from "./log-options.ts";

// Records that wait are written together up to this size: one write, one sync.
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/** What is written together. */
export interface AppendGroup {
  readonly members: Waiting[];
  /** Refused before the write; told when the others are. */
  readonly refused: Waiting[];
  readonly bytes: number;
  readonly hasBatch: boolean;
  /** Whether a member has a check of its own. */
  readonly hasChecks: boolean;
  /** Whether it is acknowledged when it is synced, and not before. */
  readonly mustSync: boolean;
  readonly rotateFirst: boolean;
}

/** Where a log stands when a group is taken. */
export interface GroupPlace {
  readonly path: string;
  readonly size: number;
  readonly position: number;
  readonly rotateBytes: number;
  readonly durability: LogDurability;
}

/** Takes what is written together: as much as waits, up to a size, and up to where the file has to be rotated. */
export function takeGroup(queue: AppendQueue, place: GroupPlace): AppendGroup {
  const { path, rotateBytes, durability } = place;
  const members: Waiting[] = [];
  const refused: Waiting[] = [];
  const first = queue.peek();
  const rotateFirst = first !== undefined && place.size > 0 && place.size + first.size > rotateBytes;
  let size = rotateFirst ? 0 : place.size;
  let position = place.position;
  let bytes = 0;
  let hasBatch = false;
  let hasChecks = false;
  let mustSync = false;
  while (true) {
    const next = queue.peek();
    if (next === undefined) break;
    const isFull = bytes > 0 && bytes + next.size > MAX_GROUP_BYTES;
    if (isFull || (size > 0 && next.size > 0 && size + next.size > rotateBytes)) break;
    queue.take();
    try {
      const expected = next.options?.expected;
      if (expected !== undefined && expected !== position)
        throw new LogConflictError(path, expected, position);
      next.options?.beforeAcknowledge?.();
    } catch (error) {
      next.refusal = error;
      refused.push(next);
      continue;
    }
    members.push(next);
    bytes += next.size;
    size += next.size;
    position += lineCount(next);
    hasBatch ||= lineCount(next) > 1 && next.options?.whole !== false;
    hasChecks ||= next.options?.beforeAcknowledge !== undefined;
    mustSync ||= lineCount(next) === 0;
    mustSync ||= durability !== "none" && (next.options?.durability ?? durability) === "each";
  }
  return { members, refused, bytes, hasBatch, hasChecks, mustSync, rotateFirst: rotateFirst && bytes > 0 };
}
