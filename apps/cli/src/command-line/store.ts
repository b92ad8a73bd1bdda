import { type Command, Option } from "commander";
import type { GcOptions } from "../commands/gc.ts";
import type { Action } from "./action.ts";
import { lengthOfTime, wholeNumber } from "./option-values.ts";

/** Commands about a store as a whole, and about this machine. */
export function addStoreCommands(program: Command, action: Action): void {
  program
    .command("init")
    .description("make a store and a commented config")
    .argument("[dir]", "where", ".")
    .addOption(
      new Option("--kind <kind>", "what the config is of")
        .choices(["workflow", "simulation"])
        .default("workflow"),
    )
    .option("--force", "replace a config that is there")
    .action(
      action(async (context, dir: string, options: { kind: "workflow" | "simulation"; force?: boolean }) =>
        (await import("../commands/init.ts")).init(context, dir, options),
      ),
    );

  program
    .command("verify")
    .description("check everything a store claims; exit 1 on damage")
    .argument("[run]", "only this run")
    .option("--workspace <dir>", "where the run's workspace is now, when it was moved")
    .action(
      action(async (context, run: string | undefined, options: { workspace?: string }) =>
        (await import("../commands/verify.ts")).verify(context, run, options),
      ),
    );

  program
    .command("repair")
    .description(
      "cut torn tails (their bytes are kept), remove leftovers of dead writers, rebuild a damaged last checkpoint",
    )
    .argument("[id]", "only this run or job")
    .option("--dry-run", "say what would be done")
    .option(
      "--break-lock",
      "free the run or job from a holder in another container or on another host that is known to be gone",
    )
    .option("--salvage", "also take damaged lines out of logs (they are kept aside)")
    .action(
      action(
        async (
          context,
          id: string | undefined,
          options: { dryRun?: boolean; salvage?: boolean; breakLock?: boolean },
        ) => (await import("../commands/repair.ts")).repair(context, id, options),
      ),
    );

  program
    .command("gc")
    .description("remove old interval checkpoints, old rotated event files, and contents no snapshot names")
    .argument("[run]", "only this run")
    .option(
      "--keep-last <n>",
      "keep this many interval checkpoints of a run (default: all)",
      wholeNumber("--keep-last"),
    )
    .option(
      "--older-than <time>",
      "only what is older than this: 30m, 12h, 7d, 2w",
      lengthOfTime("--older-than"),
    )
    .option("--dry-run", "say what would be removed")
    .action(
      action(async (context, run: string | undefined, options: GcOptions) =>
        (await import("../commands/gc.ts")).gc(context, run, options),
      ),
    );

  program
    .command("schemas")
    .description("write the JSON Schemas")
    .option("--out <dir>", "where to (default: stdout)")
    .action(
      action(async (context, options: { out?: string }) =>
        (await import("../commands/schemas.ts")).schemas(context, options),
      ),
    );

  program
    .command("doctor")
    .description("check this machine: Node, file system, permissions, space, clock, agents")
    .option("--config <file>", "also check the agents of this workflow config")
    .action(
      action(async (context, options: { config?: string }) =>
        (await import("../commands/doctor.ts")).doctor(context, options),
      ),
    );
}
