import type { Ledger, LedgerRecord, Message } from "@holdfast/ledger";
import { type Clock, formatTimestamp } from "@holdfast/storage";
import { ORCHESTRATOR } from "../flow/progress.ts";
import type { Redactor } from "../supervisor/redactor.ts";
import type { Transcript } from "../transcript/transcript.ts";
import type { WorkflowMessage } from "./result.ts";
import type { RunStory } from "./run-story.ts";
import type { StoryKeeper } from "./story-keeper.ts";

/** What a {@link RunLog} writes to. */
export interface RunLogParts {
  readonly ledger: Ledger;
  readonly story: RunStory;
  readonly transcript: Transcript;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly keeper: StoryKeeper;
  readonly onMessage: ((message: WorkflowMessage) => void) | undefined;
}

/** Writes what happens in a run to its ledger, and tells it to everybody who follows. */
export class RunLog {
  readonly #parts: RunLogParts;

  constructor(parts: RunLogParts) {
    this.#parts = parts;
  }

  /** Writes a message to the ledger, takes it into the story and tells whoever watches. Durable when it resolves. */
  async append(message: Message): Promise<LedgerRecord> {
    const { ledger, story, transcript, keeper, onMessage } = this.#parts;
    const record = await ledger.append(message);
    story.apply(record);
    transcript.tell(record, story.progress);
    keeper.saw(record);
    onMessage?.({ record });
    // One step may say more than memory should hold: its story is written while it goes on.
    if (transcript.isFull) await transcript.flush();
    await keeper.kept();
    return record;
  }

  /** Writes what agents and their supervisor say. A remark cannot pass for one of the orchestrator's own. */
  async record(message: Message): Promise<void> {
    if (message.kind === "log" && message.fields?.["by"] === ORCHESTRATOR) {
      await this.append({ ...message, fields: { ...message.fields, by: "agent" } });
    } else if (message.kind === "event" && message.from.agent_type === ORCHESTRATOR) {
      await this.append({ ...message, from: { ...message.from, agent_type: "agent" } });
    } else {
      await this.append(message);
    }
  }

  /** A remark of the orchestrator itself. */
  async remark(
    level: "info" | "warn" | "error",
    message: string,
    fields: Record<string, unknown>,
  ): Promise<void> {
    const { redactor, clock } = this.#parts;
    await this.append({
      kind: "log",
      level,
      message: redactor.text(message),
      fields: { by: ORCHESTRATOR, ...redactor.value(fields) },
      timestamp: formatTimestamp(clock()),
    });
  }

  /** Tells whoever watches; nothing is written. */
  note(progress: Extract<WorkflowMessage, { progress: unknown }>["progress"]): void {
    this.#parts.onMessage?.({ progress });
  }
}
