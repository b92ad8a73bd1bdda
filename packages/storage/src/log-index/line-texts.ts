import { isUtf8 } from "node:buffer";
import type { OpenFile } from "@holdfast/fsutil";
import type { SegmentLine } from "./find-page.ts";
import { changedFile, type KnownFiles } from "./known-files.ts";
import { readAt } from "./seen-files.ts";
import { placeOf } from "./segment.ts";

const NEWLINE = 0x0a;
/** Reads of up to so many bytes use one buffer, again and again. */
const KEPT_BYTES = 64 * 1024;
/** Lines of a page that are next to each other, or nearly, are read together. */
const GAP_BYTES = 4_096;
const READ_BYTES = 1024 * 1024;

interface Place {
  /** Which of the lines that are asked for. */
  readonly index: number;
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** Reads lines that were indexed from their files. */
export class LineTexts {
  readonly #files: KnownFiles;
  #kept: Buffer | undefined;

  constructor(files: KnownFiles) {
    this.#files = files;
  }

  /**
   * The texts of lines, in the order of these; lines that are near each other are read together.
   *
   * @throws {StaleIndexError} When a file is gone, or not what was indexed.
   */
  read(lines: readonly SegmentLine[]): string[] {
    const places = placesOf(lines);
    const texts: string[] = [];
    let open: { readonly file: number; readonly handle: OpenFile } | undefined;
    try {
      for (let start = 0; start < places.length; ) {
        const first = places[start];
        if (first === undefined) break;
        const { next, end } = neighbours(places, start, first);
        if (open?.file !== first.file) {
          open?.handle.closeSync();
          open = undefined;
          open = { file: first.file, handle: this.#files.open(first.file) };
        }
        const bytes = this.#bytes(open.handle, first.offset, end + 1 - first.offset);
        for (const { index, offset, length } of places.slice(start, next)) {
          const from = offset - first.offset;
          if (bytes[from + length] !== NEWLINE) throw changedFile();
          texts[index] = textOf(bytes.subarray(from, from + length)) ?? "";
        }
        start = next;
      }
    } finally {
      open?.handle.closeSync();
    }
    return texts;
  }

  /** The bytes at a place in a file; those of small reads stay only until the next one. */
  #bytes(file: OpenFile, offset: number, length: number): Buffer {
    // A buffer a page would be freed so late that a server's memory were mostly these.
    const into =
      length > KEPT_BYTES
        ? undefined
        : (this.#kept ??= Buffer.allocUnsafeSlow(KEPT_BYTES)).subarray(0, length);
    const bytes = readAt(file, offset, length, into);
    if (bytes === undefined) throw changedFile();
    return bytes;
  }
}

/** The text of a line; `undefined` when its bytes are none. */
export function textOf(line: Buffer): string | undefined {
  return isUtf8(line) ? line.toString("utf8") : undefined;
}

/** Where lines are, in the order of the files. */
function placesOf(lines: readonly SegmentLine[]): Place[] {
  const segments = new Set(lines.map(({ segment }) => segment));
  const offsets = new Map(Array.from(segments, (segment) => [segment, segment.offsets()]));
  return lines
    .map(({ segment, line }, index) => {
      const found = offsets.get(segment) ?? segment.offsets();
      return { index, ...placeOf(segment, found, line) };
    })
    .toSorted((a, b) => a.file - b.file || a.offset - b.offset);
}

/** The places that are read together with one: up to `next`, and where the last of them ends. */
function neighbours(
  places: readonly Place[],
  start: number,
  first: Place,
): { readonly next: number; readonly end: number } {
  let end = first.offset + first.length;
  let next = start + 1;
  for (let place = places[next]; place !== undefined; place = places[next]) {
    const isNear = place.file === first.file && place.offset - end <= GAP_BYTES;
    if (!isNear || place.offset + place.length - first.offset > READ_BYTES) break;
    end = Math.max(end, place.offset + place.length);
    next += 1;
  }
  return { next, end };
}
