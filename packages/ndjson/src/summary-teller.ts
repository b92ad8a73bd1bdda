import type { CurrentFile, RotatedFile } from "./current-file.ts";
import type { LineIndex } from "./line-index.ts";
import type { OpenLogOptions } from "./log-options.ts";
import { type CountedRotated, countedRotated, encodeSummary } from "./log-summary.ts";
import type { PreparedLog } from "./prepare-log.ts";

/** What is read again at most, at about a gigabyte a second, when the log is opened after a crash. */
const DEFAULT_SUMMARY_BYTES = 8 * 1024 * 1024;

/** Tells `onSummary` what is known of a log's files, now and then. A summary that cannot be made is not told: it is a note. */
export class SummaryTeller {
  readonly #onSummary: ((text: string) => void) | undefined;
  readonly #everyBytes: number;
  readonly #rotated: CountedRotated[];
  /** Bytes of the current file that the last summary speaks of. */
  #told: number;
  /** Whether the last summary, if there is one, is wrong, or leaves much out. */
  #isDue: boolean;

  constructor(prepared: PreparedLog, options: OpenLogOptions) {
    const { onSummary, summary, summaryBytes = DEFAULT_SUMMARY_BYTES, durability } = options;
    this.#onSummary = durability === "none" ? undefined : onSummary; // it speaks of what is on stable storage
    this.#everyBytes = summaryBytes;
    this.#rotated = [...prepared.rotated];
    this.#told = prepared.summarized ?? 0;
    this.#isDue = prepared.summarized === undefined && (summary !== undefined || this.#rotated.length > 0);
  }

  /** The current file was put aside with so many lines. */
  sawRotation({ name, stat }: RotatedFile, lines: number): void {
    this.#rotated.push(countedRotated(name, stat, lines));
    this.#told = 0;
    this.#isDue = true;
  }

  /** Tells when it is time to. Everything in the index must be on stable storage, and nothing else in the file. */
  tell(file: CurrentFile, { lines, size, places }: LineIndex): void {
    if (this.#onSummary === undefined) return;
    if (!this.#isDue && size - this.#told < this.#everyBytes) return;
    let text: string;
    try {
      const current = file.counted(lines, places);
      if (current.size !== size) return;
      text = encodeSummary({ current, rotated: this.#rotated });
    } catch {
      return; // the file could not be looked at; the next append will tell
    }
    this.#told = size;
    this.#isDue = false;
    this.#onSummary(text);
  }
}
