import type { Command } from "commander";
import type { Action } from "./action.ts";
import { listOf } from "./option-values.ts";

/** Commands about workspaces by their content. */
export function addSnapshotCommands(program: Command, action: Action): void {
  const snapshot = program.command("snapshot").description("a workspace by its content");
  snapshot
    .command("take")
    .description("keep the content of a folder")
    .argument("[dir]", "the workspace", ".")
    .option("--include <names>", "what to take, separated by commas", listOf)
    .option("--exclude <patterns>", "what to leave out, separated by commas (gitignore rules)", listOf)
    .option("--manifest-only", "keep paths and checksums, no contents")
    .action(
      action(
        async (
          context,
          dir: string,
          options: { include?: string[]; exclude?: string[]; manifestOnly?: boolean },
        ) => (await import("../commands/snapshot.ts")).take(context, dir, options),
      ),
    );
  snapshot
    .command("list")
    .description("list snapshots")
    .action(action(async (context) => (await import("../commands/snapshot.ts")).list(context)));
  snapshot
    .command("show")
    .description("the files of a snapshot")
    .argument("<id>", "snapshot id")
    .action(
      action(async (context, id: string) => (await import("../commands/snapshot.ts")).show(context, id)),
    );
  snapshot
    .command("diff")
    .description("what differs between two snapshots")
    .argument("<a>", "snapshot id")
    .argument("<b>", "snapshot id")
    .action(
      action(async (context, a: string, b: string) =>
        (await import("../commands/snapshot.ts")).diff(context, a, b),
      ),
    );
  snapshot
    .command("verify")
    .description("check a snapshot's contents, and a folder against it")
    .argument("<id>", "snapshot id")
    .argument("[dir]", "a workspace to compare with it")
    .action(
      action(async (context, id: string, dir: string | undefined) =>
        (await import("../commands/snapshot.ts")).verify(context, id, dir),
      ),
    );
  snapshot
    .command("restore")
    .description("write a snapshot's files into a folder")
    .argument("<id>", "snapshot id")
    .argument("<dir>", "where to")
    .option("--force", "overwrite files that differ")
    .option("--dry-run", "say what would be written")
    .action(
      action(async (context, id: string, dir: string, options: { force?: boolean; dryRun?: boolean }) =>
        (await import("../commands/snapshot.ts")).restore(context, id, dir, options),
      ),
    );
}
