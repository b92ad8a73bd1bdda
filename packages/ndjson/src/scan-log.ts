import { nodeFileSystem } from "@holdfast/fsutil";
import { asLogError } from "./errors.ts";
import { damageOf, tornTailAt } from "./line-damage.ts";
import { type PlacedBlock, placedBlocks } from "./placed-blocks.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import { checkPositions, type ReadLogOptions } from "./read-options.ts";
import { FieldScanner } from "./scan-fields.ts";

/** A line of which only some fields were read. */
export interface ScannedLine {
  /** Place in the whole log, from 1. */
  readonly position: number;
  /** Where the line starts in its file, in bytes. */
  readonly offset: number;
  /** Length of the line in bytes, without its newline. */
  readonly length: number;
  /** The values of the fields that were asked for, in that order; `undefined` where the line has no such field. */
  readonly values: readonly unknown[];
}

/** Options of {@link scanLog}. */
export interface ScanLogOptions extends ReadLogOptions {
  /** Names of top-level fields. */
  readonly fields: readonly string[];
}

function scanBlock(
  block: PlacedBlock,
  scanner: FieldScanner,
  options: ScanLogOptions,
  to: number,
): ScannedLine[] {
  const { bytes, place } = block;
  const lines: ScannedLine[] = [];
  for (let start = 0; start < bytes.length && place.position + block.lines <= to; ) {
    const end = bytes.indexOf(0x0a, start);
    const index = block.lines++;
    const from = place.offset + start === 0 && bytes[0] === 0xef ? 3 : start; // a byte order mark
    try {
      const values = scanner.scan(bytes, from, end);
      lines.push({
        position: place.position + index,
        offset: place.offset + start,
        length: end - start,
        values,
      });
    } catch (error) {
      const damage = damageOf(block, start, index, error);
      const torn = tornTailAt(block, damage, {
        format: "json",
        maxLineBytes: options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES,
      });
      if (torn !== undefined) {
        options.onTornTail?.(torn);
        block.lines = Number.POSITIVE_INFINITY; // nothing comes after it
        return lines;
      }
      if (options.onDamage === undefined) throw damage;
      options.onDamage(damage);
    }
    start = end + 1;
  }
  return lines;
}

/**
 * Reads a few top-level fields of every record, several times as fast as parsing the records: of each line it looks at no
 * more than it needs. It is therefore no check: what comes after the last field that was asked for may be anything, and of a
 * key that is given twice the first counts.
 *
 * @param path - The current file of the log.
 * @param options - `fields`: names of top-level fields. The rest as for {@link readLog}.
 * @returns Lists of lines in order: a list for each piece of the file that was read.
 * @throws {LogError} As {@link readLog}.
 */
export async function* scanLog(
  path: string,
  options: ScanLogOptions,
): AsyncGenerator<readonly ScannedLine[], void> {
  checkPositions(options);
  const {
    fileSystem = nodeFileSystem,
    from = 1,
    to = Number.POSITIVE_INFINITY,
    signal,
    at,
    onTornTail,
  } = options;
  const { maxLineBytes = DEFAULT_MAX_LINE_BYTES, fields } = options;
  const scanner = new FieldScanner(fields);
  try {
    for await (const block of placedBlocks(path, {
      from,
      at,
      maxLineBytes,
      signal,
      fileSystem,
      onTornTail,
    })) {
      const lines = scanBlock(block, scanner, options, to);
      if (lines.length > 0) yield lines;
      if (block.place.position + block.lines > to) return;
    }
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw asLogError("read", path, error);
  }
}
