import { setTimeout as delay } from "node:timers/promises";
import { countLines, type SearchedLine, searchLines } from "../search.ts";
import type { Filter, FindOptions, LogLine, Page, SearchedLog } from "../store.ts";
import { fileLines } from "./file-lines.ts";
import { countMatches, findPage, type IndexView } from "./find-page.ts";
import { remedyFor, StaleIndexError } from "./index-database.ts";
import { IndexHome } from "./index-home.ts";
import { IndexedLines } from "./indexed-lines.ts";
import { LineTexts } from "./line-texts.ts";
import type { LogIndexOptions } from "./log-index-options.ts";
import { QuestionQueue, type SearchLimits } from "./question-queue.ts";
import { scanFiles } from "./scan-files.ts";

const MAX_TRIES = 12;
const BUSY_DELAY_MS = 20;

/**
 * The index of one log: whole segments in a database, which other processes use as well, and the last lines in memory. Before each
 * answer it is brought up to the ends of the files; where they are no longer what was indexed, it is made anew from there.
 */
export class LogIndex {
  readonly #options: LogIndexOptions;
  readonly #home: IndexHome;
  readonly #lines: IndexedLines;
  readonly #texts: LineTexts;
  readonly #questions = new QuestionQueue((limits, work) => this.#tryAnswer(limits, work));

  constructor(options: LogIndexOptions) {
    this.#options = options;
    this.#home = new IndexHome(options.databasePath, options.fileSystem);
    this.#lines = new IndexedLines(options, this.#home);
    this.#texts = new LineTexts(this.#lines.files);
  }

  /** Position of the last line. */
  head(limits: SearchLimits): Promise<number> {
    return this.#questions.ask(limits, () => this.#lines.head);
  }

  find(filter: Filter, options: FindOptions, limits: SearchLimits): Promise<Page<LogLine> & SearchedLog> {
    const answer = (): Page<LogLine> & SearchedLog => ({
      ...findPage(this.#view(), filter, options),
      ...this.#searched(),
    });
    return this.#ask(limits, answer, (lines) => searchLines(lines, filter, options));
  }

  count(filter: Filter, limits: SearchLimits): Promise<{ readonly count: number } & SearchedLog> {
    const answer = (): { readonly count: number } & SearchedLog => ({
      count: countMatches(this.#view(), filter),
      ...this.#searched(),
    });
    return this.#ask(limits, answer, (lines) => countLines(lines, filter));
  }

  /** Answers from the index; where none can be made, not even a temporary one (a full disk), by reading every line. */
  async #ask<T extends SearchedLog>(
    limits: SearchLimits,
    answer: () => T,
    scan: (lines: AsyncIterable<SearchedLine>) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#questions.ask(limits, answer);
    } catch (error) {
      if (remedyFor(error) !== "elsewhere") throw error;
      let torn = 0;
      const options = { ...this.#options, onTornFile: () => (torn += 1) };
      const found = await scan(fileLines(options, limits));
      return { ...found, damaged: found.damaged + torn };
    }
  }

  /** Waits for the answers that are being made, and closes the database. */
  async close(): Promise<void> {
    await this.#questions.rest();
    this.#lines.forget();
  }

  async #tryAnswer<T>(limits: SearchLimits, work: () => T): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      limits.signal?.throwIfAborted();
      try {
        this.#lines.open();
        await this.#refresh(limits);
        return work();
      } catch (error) {
        if (limits.signal?.aborted === true || tries >= MAX_TRIES) throw error;
        await this.#recover(error, tries);
      }
    }
  }

  /** Prepares for another try; throws what no other try can help. */
  async #recover(error: unknown, tries: number): Promise<void> {
    if (error instanceof StaleIndexError) {
      this.#lines.forget();
      if (error.isDamaged) this.#home.remove();
      if (tries >= MAX_TRIES / 2) this.#home.isPrivate = true;
      return;
    }
    switch (remedyFor(error)) {
      case "wait":
        this.#lines.forget();
        if (tries >= MAX_TRIES / 2) this.#home.isPrivate = true;
        else await delay(BUSY_DELAY_MS * (tries + 1));
        return;
      case "anew":
        this.#lines.forget();
        this.#home.remove();
        if (tries >= MAX_TRIES / 2) this.#home.isPrivate = true;
        return;
      case "elsewhere":
        this.#lines.forget();
        this.#home.isPrivate = !this.#home.isPrivate;
        // There is no third place; the next question begins with the first again.
        if (!this.#home.isPrivate) throw error;
        return;
      case undefined:
        if (!isGone(error)) throw error;
    }
  }

  /** Looks at the files, and indexes what is new in them. */
  async #refresh(limits: SearchLimits): Promise<void> {
    const { to = Number.POSITIVE_INFINITY, signal } = limits;
    const { path, fileSystem } = this.#options;
    const lines = this.#lines;
    for (let round = 0; ; round += 1) {
      const files = lines.files.list();
      const change = lines.files.compare(files);
      if (typeof change === "object") {
        lines.cut(change.cutFrom);
        if (round > MAX_TRIES) throw new StaleIndexError("the files do not rest", { isDamaged: true });
        continue; // what is left was read anew, and is compared as well
      }
      if ((change === "same" && lines.isComplete) || lines.head >= to) {
        // A scan that was stopped leaves them.
        if (lines.hasPending) await lines.save();
        return;
      }
      const hasMoved = await scanFiles(lines, { path, fileSystem, files, to, signal });
      if (!hasMoved || round > 2) return;
    }
  }

  #view(): IndexView {
    const { segments, types, agents, counts } = this.#lines;
    return {
      segments: segments.filter(({ header }) => header.records > 0),
      types,
      agents,
      counts,
      texts: (lines) => this.#texts.read(lines),
    };
  }

  #searched(): SearchedLog {
    return { asOf: this.#lines.head, damaged: this.#lines.damaged };
  }
}

/** Whether a file vanished while the log was read: it was rotated or removed. */
function isGone(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ("code" in at && at.code === "ENOENT") return true;
  }
  return false;
}
