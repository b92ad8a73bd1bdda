import { decodeFates, encodeFates, type Fates } from "./crash-states.ts";
import { type DiskOperation, describeOperation } from "./disk-operation.ts";
import type { DiskModel } from "./durable-operations.ts";
import { CrashError } from "./errors.ts";

/** A crash: after how many operations, and what became of those that were not durable. */
export interface CrashPoint {
  readonly model: DiskModel;
  readonly count: number;
  readonly fates: Fates;
}

/** A crash as a short text. */
export function encodePoint({ model, count, fates }: CrashPoint): string {
  return `${model}:${count}:${encodeFates(fates)}`;
}

/** The crashes of a seed: that of the work, and those of the recoveries after it. */
export function parsePoints(seed: string): readonly CrashPoint[] {
  return seed.split("+").map((text) => {
    const [, model, count, fates = "-"] = /^(posix|ordered):(\d+):(.*)$/.exec(text) ?? [];
    if (model !== "posix" && model !== "ordered")
      throw new CrashError(
        "CRASH_SEED",
        `Cannot reproduce "${seed.slice(0, 200)}": it is not the seed of a state`,
      );
    return { model, count: Number(count), fates: decodeFates(fates) };
  });
}

/** What was done from an operation up to a crash, a line each, with what became of what was not durable. */
export function describePoint(
  { model, count, fates }: CrashPoint,
  operations: readonly DiskOperation[],
  notes: ReadonlyMap<number, readonly string[]>,
  start = 0,
): string[] {
  const lines: string[] = [];
  for (let index = start; index <= count; index += 1) {
    lines.push(...(notes.get(index) ?? []));
    const operation = operations[index];
    if (index === count || operation === undefined) break;
    const fate = fates.get(index);
    lines.push(`${describeOperation(operation)}${fate === undefined ? "" : wordOf(fate, operation)}`);
  }
  lines.push(`crash (${model})`);
  return lines;
}

function wordOf(fate: { readonly kind: string; readonly bytes?: number }, operation: DiskOperation): string {
  if (fate.kind === "torn")
    return operation.kind === "rename" ? "  <- both names stay" : `  <- only ${fate.bytes ?? 0} bytes stay`;
  if (fate.kind === "sectors") return "  <- only some of its sectors stay";
  if (fate.kind === "zeros") return "  <- zeros stay";
  return fate.kind === "lost" ? "  <- lost" : "";
}
