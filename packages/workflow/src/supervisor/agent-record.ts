import type { LogMessage, Message } from "@holdfast/ledger";
import { type Clock, formatTimestamp } from "@holdfast/storage";
import type { Redactor } from "./redactor.ts";

/** Lines that are no messages and are recorded one by one, for each command. */
const PROBLEMS_RECORDED = 20;

/** What an {@link AgentRecord} works with. */
export interface AgentRecordOptions {
  readonly agent: string;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Puts a message into the ledger; durable when it resolves. */
  readonly record: (message: Message) => Promise<void>;
  /** Hears of the first message that could not be recorded. */
  readonly onFailure: (error: unknown) => void;
}

/** The way of what an agent says, and of what is said about it, into the ledger. After a failure nothing is recorded any more. */
export class AgentRecord {
  readonly #options: AgentRecordOptions;
  #failure: { readonly error: unknown } | undefined;
  /** Lines that were no messages, since the command began. */
  #problems = 0;

  constructor(options: AgentRecordOptions) {
    this.#options = options;
  }

  /** Throws what a message could not be recorded for, if one could not. */
  assertWhole(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async take(message: Message): Promise<void> {
    this.assertWhole();
    try {
      await this.#options.record(message);
    } catch (error) {
      this.#failure ??= { error };
      this.#options.onFailure(error);
      throw error;
    }
  }

  async remark(level: LogMessage["level"], message: string, fields: Record<string, unknown>): Promise<void> {
    const { agent, redactor, clock } = this.#options;
    await this.take({
      kind: "log",
      level,
      message: redactor.text(message),
      fields: redactor.value({ agent, ...fields }),
      timestamp: formatTimestamp(clock()),
    });
  }

  /** Remarks on a line that is no message. A program that floods its output with garbage must not fill the disk with remarks about it. */
  async problem(remark: () => Message): Promise<void> {
    this.#problems += 1;
    if (this.#problems <= PROBLEMS_RECORDED) await this.take(remark());
  }

  /** A command begins: lines are recorded one by one again. */
  async begin(): Promise<void> {
    await this.tellSkipped();
    this.#problems = 0;
  }

  /** Says how many lines were not recorded one by one, if there are some. */
  async tellSkipped(): Promise<void> {
    const skipped = this.#problems - PROBLEMS_RECORDED;
    if (skipped <= 0) return;
    this.#problems = 0;
    const said = `Agent "${this.#options.agent}" wrote ${skipped} more lines that were not recorded one by one`;
    await this.remark("error", said, { problem: "flood", lines: skipped });
  }
}
