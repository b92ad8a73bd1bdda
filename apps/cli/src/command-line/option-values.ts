import { CommanderError } from "commander";
import { EXIT } from "../failure.ts";
import { parseDuration } from "../gc/duration.ts";

/** Takes a whole number from 0, of at most 15 digits. */
export function wholeNumber(option: string): (text: string) => number {
  return (text) => {
    if (!/^\d{1,15}$/.test(text)) {
      throw new CommanderError(
        EXIT.usage,
        "holdfast.number",
        `${option} takes a whole number, not "${text}"`,
      );
    }
    return Number(text);
  };
}

/** Takes a whole number from 1, of at most 15 digits. */
export function positiveNumber(option: string): (text: string) => number {
  return (text) => {
    if (!/^(?!0+$)\d{1,15}$/.test(text)) {
      throw new CommanderError(
        EXIT.usage,
        "holdfast.number",
        `${option} takes a whole number from 1, not "${text}"`,
      );
    }
    return Number(text);
  };
}

/** Takes the turn of a checkpoint, or `last`. */
export function turnOrLast(option: string): (text: string) => number | "last" {
  return (text) => {
    if (text === "last") return text;
    if (!/^\d{1,15}$/.test(text)) {
      throw new CommanderError(
        EXIT.usage,
        "holdfast.turn",
        `${option} takes a turn (a whole number) or last, not "${text}"`,
      );
    }
    return Number(text);
  };
}

/** Takes a length of time, in milliseconds. */
export function lengthOfTime(option: string): (text: string) => number {
  return (text) => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== undefined) return milliseconds;
    throw new CommanderError(
      EXIT.usage,
      "holdfast.duration",
      `${option} takes a length of time such as 30m, 12h, 7d or 2w, not "${text}"`,
    );
  };
}

/** Takes a list separated by commas. */
export function listOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
