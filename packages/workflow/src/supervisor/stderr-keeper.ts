import { messageOf } from "../unknown-value.ts";
import type { OutputLine } from "./output-splitter.ts";
import type { Redactor } from "./redactor.ts";

const LINE_LENGTH = 16_384;
const LAST_LINE_LENGTH = 300;

/** Where lines of stderr go, and how many. */
export interface StderrKeeperOptions {
  readonly redactor: Redactor;
  /** Bytes that are kept in all. */
  readonly maxBytes: number;
  readonly keep: (line: string) => Promise<void>;
  /** Hears once why nothing is kept any more. */
  readonly onFailure: (message: string) => void;
}

/** Keeps what an agent writes to stderr. */
export interface StderrKeeper {
  take(line: OutputLine): Promise<void>;
  /** The last line that was not empty, redacted and shortened. */
  lastLine(): string | undefined;
}

/** Makes a keeper: lines are redacted before they are shortened, so that no part of a secret is left at a cut, and bounded in number. */
export function createStderrKeeper(options: StderrKeeperOptions): StderrKeeper {
  const { redactor, keep } = options;
  let room = options.maxBytes;
  let last: string | undefined;
  return {
    async take(line) {
      const whole = "bytes" in line ? line.bytes.toString("utf8") : undefined;
      let text = whole === undefined ? sizeOf(line) : redactor.clip(whole, LINE_LENGTH);
      if (whole !== undefined && text.length >= LINE_LENGTH)
        text += ` [shortened, ${whole.length} characters]`;
      text = text.toWellFormed();
      if (text.trim() !== "") last = text.slice(0, LAST_LINE_LENGTH).toWellFormed();
      if (room <= 0) return;
      room -= Buffer.byteLength(text) + 1;
      try {
        await keep(text);
        if (room <= 0) await keep(`[more than ${options.maxBytes} bytes: what follows is not kept]`);
      } catch (error) {
        // These lines are for people; the agent's work does not depend on them.
        room = 0;
        options.onFailure(messageOf(error));
      }
    },
    lastLine: () => last,
  };
}

function sizeOf(line: OutputLine): string {
  return "oversizedBytes" in line ? `[a line of ${line.oversizedBytes} bytes was not kept]` : "";
}
