import type { LedgerRecord } from "@holdfast/ledger";
import type { Fence, Store } from "@holdfast/storage";
import type { WorkflowConfig } from "../config/schema.ts";
import type { Transcript } from "../transcript/transcript.ts";
import { keepStory, storyText } from "./kept-story.ts";
import type { RunStory } from "./run-story.ts";

/** Lines of the ledger between two stories that are kept: what a resume reads at most, and verifies. */
const EVERY_LINES = 8_192;

/** What a {@link StoryKeeper} keeps, and where. */
export interface StoryKeeperParts {
  readonly store: Store;
  readonly runId: string;
  readonly fence: Fence;
  readonly config: WorkflowConfig;
  readonly story: RunStory;
  readonly transcript: Transcript;
  /** Steps whose receipts are written. */
  readonly receipts: ReadonlySet<number>;
}

/** Keeps what the ledger of a run says, once in some thousands of lines, so that nobody has to read it from its start. */
export class StoryKeeper {
  readonly #parts: StoryKeeperParts;
  #next = EVERY_LINES;
  #keeping: Promise<void> | undefined;

  constructor(parts: StoryKeeperParts) {
    this.#parts = parts;
  }

  /** Everything up to this line is kept already. */
  keptAt(seq: number): void {
    this.#next = seq + EVERY_LINES;
  }

  /** A line that the story and the transcript have taken in, and nothing after it. */
  saw({ seq, chain }: LedgerRecord): void {
    if (seq < this.#next || chain === undefined || this.#keeping !== undefined) return;
    this.keptAt(seq);
    const { story, config, receipts, transcript } = this.#parts;
    const transcriptSeq = transcript.lastTold;
    const text = storyText(story, config, {
      seq,
      chain,
      transcriptSeq,
      hasReceipt: (step) => receipts.has(step),
    });
    this.#keeping = this.#keep(text).finally(() => {
      this.#keeping = undefined;
    });
    this.#keeping.catch(() => undefined); // it is told to whoever waits in `kept()`
  }

  /** Resolves when no story is being written: whoever appends waits for it, so that the next one is not far behind. */
  async kept(): Promise<void> {
    await this.#keeping;
  }

  async #keep(text: string): Promise<void> {
    const { store, runId, fence, transcript } = this.#parts;
    await transcript.flush(); // a story that goes on from here tells nothing before it
    await keepStory(store, runId, text, { fence });
  }
}
