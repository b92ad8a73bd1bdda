import { type Command, CommanderError } from "commander";
import type { CausalityOptions } from "../commands/causality.ts";
import type { EventsOptions } from "../commands/events.ts";
import { EXIT } from "../failure.ts";
import type { Action } from "./action.ts";
import { listOf, positiveNumber, wholeNumber } from "./option-values.ts";

// As in @holdfast/events, which is not loaded to print a help text.
const TYPES = ["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL", "SYSTEM"];

/** Commands that read the event stream of a run. */
export function addEventsCommands(program: Command, action: Action): void {
  program
    .command("events")
    .description("what happened in a run: its events, in order of time")
    .argument("<run>", "run id")
    .option("--type <type>", `only events of this type (repeat): ${TYPES.join(", ")}`, types)
    .option("--agent <id>", "only events of this agent (repeat)", repeated)
    .option("--turn-start <n>", "from this turn", wholeNumber("--turn-start"))
    .option("--turn-end <n>", "to this turn", wholeNumber("--turn-end"))
    .option("--since <time>", "from this moment (RFC 3339)")
    .option("--until <time>", "to this moment (RFC 3339)")
    .option("--limit <n>", "at most so many", positiveNumber("--limit"))
    .option("--offset <n>", "skip so many", wholeNumber("--offset"))
    .option("--count", "only how many there are")
    .option("--follow", "go on with what is appended, in order of the stream, until Ctrl-C")
    .action(
      action(async (context, run: string, options: EventsOptions) =>
        (await import("../commands/events.ts")).events(context, run, options),
      ),
    );

  program
    .command("causality")
    .description("why an event happened, and what came of it")
    .argument("<run>", "run id")
    .argument("<event>", "event id")
    .option("--depth <n>", "levels each way, 1 to 20 (default: 5)", positiveNumber("--depth"))
    .action(
      action(async (context, run: string, event: string, options: CausalityOptions) =>
        (await import("../commands/causality.ts")).causality(context, run, event, options),
      ),
    );
}

function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function types(value: string, before: readonly string[] = []): string[] {
  const given = listOf(value).map((type) => type.toUpperCase());
  const unknown = given.find((type) => !TYPES.includes(type));
  if (unknown !== undefined || given.length === 0) {
    throw new CommanderError(EXIT.usage, "holdfast.type", `--type takes ${TYPES.join(", ")}, not "${value}"`);
  }
  return [...before, ...given];
}
