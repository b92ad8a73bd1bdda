import { dirname, join } from "node:path";
import { type FileSystem, nodeFileSystem, type OpenFile } from "@holdfast/fsutil";
import { countLines } from "./count-lines.ts";
import { LogDamagedError } from "./errors.ts";
import { LineIndex } from "./line-index.ts";
import { LinePlaces } from "./line-places.ts";
import { rotatedFiles } from "./log-files.ts";
import type { OpenLogOptions } from "./log-options.ts";
import {
  type CountedFile,
  type CountedRotated,
  countedRotated,
  decodeSummary,
  fits,
  fitsRotated,
  type LogSummary,
} from "./log-summary.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import { findTornTail, removeBatchIntent, repairTail, type TailRepair } from "./recover-tail.ts";

/** A log's current file, ready to be appended to. */
export interface PreparedLog {
  readonly file: OpenFile;
  readonly repair: TailRepair | undefined;
  readonly index: LineIndex;
  readonly rotated: readonly CountedRotated[];
  /** How much of the current file a summary speaks of already; `undefined` when there is none, or a wrong one. */
  readonly summarized: number | undefined;
}

/** Repairs the tail, makes durable what is there, and counts what no summary tells. */
export async function prepareLog(
  path: string,
  file: OpenFile,
  options: OpenLogOptions,
): Promise<PreparedLog> {
  const {
    fileSystem = nodeFileSystem,
    format = "json",
    maxLineBytes = DEFAULT_MAX_LINE_BYTES,
    signal,
  } = options;
  const summary = options.summary === undefined ? undefined : decodeSummary(options.summary);
  // Before the repair: cutting the file back gives it another time.
  const fitting = summary !== undefined && fits(summary.current, file) ? summary.current : undefined;
  const places = placesOf(fitting);
  const { keepHoles = false } = options;
  const context = { path, fileSystem, format, maxLineBytes, keepHoles, signal, places };
  const repair = await findTornTail(file, context);
  if (repair !== undefined) await repairTail(file, repair, fileSystem);
  await removeBatchIntent(path, file, fileSystem);
  const { size } = file.statSync();
  const counted = fitting !== undefined && fitting.size <= size ? fitting : undefined;
  const findZero = format === "json" && !keepHoles;
  const index = await countCurrent(path, file, { size, counted, findZero, signal });
  // Whole lines of a writer that was killed before its sync become the truth now: they must not vanish later.
  if (options.durability !== "none") {
    if (size > 0) await file.sync("full");
    await fileSystem.syncDirectory(dirname(path));
  }
  const rotated = await countRotated(path, fileSystem, summary, signal);
  for (const { lines } of rotated) index.before += lines;
  return { file, repair, index, rotated, summarized: counted?.size };
}

function placesOf(counted: CountedFile | undefined): LinePlaces {
  return counted === undefined ? new LinePlaces() : new LinePlaces(counted.places, counted.step);
}

/** Counts the lines of the current file, from where they were counted before. */
async function countCurrent(
  path: string,
  file: OpenFile,
  options: {
    readonly size: number;
    readonly counted: CountedFile | undefined;
    readonly findZero: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<LineIndex> {
  const { size, counted, findZero, signal } = options;
  const places = placesOf(counted);
  const from = counted === undefined ? undefined : { line: counted.lines + 1, offset: counted.size };
  const { lines, zeroAt } = await countLines(file, size, {
    ...(from !== undefined && { from }),
    places,
    findZero,
    signal,
  });
  if (zeroAt === undefined) return new LineIndex(0, lines, size, places);
  const { line, offset } = zeroAt;
  throw new LogDamagedError(
    `Cannot open "${path}": line ${line} at offset ${offset} holds zero bytes and records follow it; look at it, and repair the file before it is appended to`,
    { path, line, offset },
  );
}

/** Counts the lines of the files that were put aside; one that was counted before does not change any more. */
async function countRotated(
  path: string,
  fileSystem: FileSystem,
  summary: LogSummary | undefined,
  signal: AbortSignal | undefined,
): Promise<CountedRotated[]> {
  const known = new Map(summary?.rotated.map((each) => [each.name, each]));
  const counted: CountedRotated[] = [];
  for (const { name } of rotatedFiles(path, fileSystem)) {
    const file = fileSystem.openSync(join(dirname(path), name), "read", undefined, { noFollow: true });
    try {
      const stat = file.statSync();
      const before = known.get(name);
      if (before !== undefined && fitsRotated(before, stat)) counted.push(before);
      else {
        const { lines } = await countLines(file, stat.size, { findZero: false, signal });
        counted.push(countedRotated(name, stat, lines));
      }
    } finally {
      file.closeSync();
    }
  }
  return counted;
}
