import { type Command, Option } from "commander";
import type { ForkFlags } from "../commands/fork.ts";
import type { Action } from "./action.ts";
import { positiveNumber, turnOrLast, wholeNumber } from "./option-values.ts";

const LEVELS = ["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL"];

/** How much goes into the event stream. */
export function verbosityOption(): Option {
  return new Option("--verbosity <level>", "simulation: how much goes into the event stream").choices(LEVELS);
}

/** Commands about the checkpoints of simulations. */
export function addSimulationCommands(program: Command, action: Action): void {
  program
    .command("fork")
    .description("a new run from a checkpoint of another; it remembers where it came from")
    .argument("<run>", "run id")
    .requiredOption("--turn <n>", "the turn of the checkpoint", wholeNumber("--turn"))
    .option(
      "--checkpoint-interval <n>",
      "keep every n-th turn for good, instead of what the parent does",
      positiveNumber("--checkpoint-interval"),
    )
    .option("--max-turns <n>", "end after this turn", positiveNumber("--max-turns"))
    .option(
      "--seed <n>",
      "begin the random numbers anew, with this seed (default: they go on)",
      wholeNumber("--seed"),
    )
    .addOption(verbosityOption())
    .action(
      action(async (context, run: string, flags: ForkFlags) =>
        (await import("../commands/fork.ts")).fork(context, run, flags),
      ),
    );

  program
    .command("replay")
    .description("run a simulation again, without writing anything, and compare every checkpoint")
    .argument("<run>", "run id")
    .option("--verify", "exit 1 where they differ, and say where (always so; there for clarity)")
    .option("--from <n>", "begin with the checkpoint of this turn, not with the start", wholeNumber("--from"))
    .action(
      action(async (context, run: string, options: { from?: number }) =>
        (await import("../commands/replay.ts")).replay(context, run, options),
      ),
    );

  program
    .command("checkpoints")
    .description("the checkpoints of a run")
    .argument("<run>", "run id")
    .action(
      action(async (context, run: string) =>
        (await import("../commands/checkpoints.ts")).checkpoints(context, run),
      ),
    );

  const checkpoint = program.command("checkpoint").description("one checkpoint, or what two differ in");
  checkpoint
    .command("show")
    .description("a checkpoint with its state")
    .argument("<run>", "run id")
    .argument("<turn>", "its turn, or last", turnOrLast("the turn"))
    .action(
      action(async (context, run: string, turn: number | "last") =>
        (await import("../commands/checkpoints.ts")).showCheckpoint(context, run, turn),
      ),
    );
  checkpoint
    .command("diff")
    .description("what changed from one checkpoint to another (with --json a JSON Patch, RFC 6902)")
    .argument("<run>", "run id")
    .argument("<a>", "a turn, or last", turnOrLast("the turn"))
    .argument("<b>", "a turn, or last", turnOrLast("the turn"))
    .action(
      action(async (context, run: string, a: number | "last", b: number | "last") =>
        (await import("../commands/checkpoints.ts")).diffCheckpoints(context, run, a, b),
      ),
    );
}
