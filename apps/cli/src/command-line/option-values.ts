import { CommanderError } from "commander";
import { EXIT } from "../failure.ts";

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

/** Takes a list separated by commas. */
export function listOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
