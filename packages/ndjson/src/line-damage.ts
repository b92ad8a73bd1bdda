import { LogDamagedError } from "./errors.ts";
import { inspectTail, type LogFormat } from "./inspect-tail.ts";
import type { PlacedBlock, TornTail } from "./placed-blocks.ts";

/** The error for a line of a block that holds no record. */
export function damageOf(block: PlacedBlock, start: number, index: number, cause: unknown): LogDamagedError {
  const { path } = block.place;
  const line = block.place.line + index;
  const offset = block.place.offset + start;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new LogDamagedError(
    `Cannot read "${path}": line ${line} at offset ${offset} is damaged (${detail}); nothing after it was read`,
    { path, line, offset, cause },
  );
}

/** The torn tail that a damaged line is a part of: then the log ends before it, and that is no damage. */
export function tornTailAt(
  block: PlacedBlock,
  damage: LogDamagedError,
  options: { readonly format: LogFormat; readonly maxLineBytes: number },
): TornTail | undefined {
  if (!block.isCurrent) return undefined;
  const { size } = block.file.statSync();
  const tail = inspectTail(block.file, size, options);
  if (tail.kind !== "torn" || damage.offset < tail.end) return undefined;
  return { path: damage.path, line: damage.line, offset: damage.offset, length: size - damage.offset };
}
