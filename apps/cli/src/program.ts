import { Command, CommanderError, Option } from "commander";
import type { MockAgentFlags } from "./commands/agent.ts";
import { Context, type GlobalOptions } from "./context.ts";
import { EXIT, exitStatusOf, failureDocument, failureText } from "./failure.ts";
import type { Output } from "./output.ts";
import { printableLine } from "./table.ts";
import { VERSION } from "./version.ts";

interface Streams {
  readonly out: Output;
  readonly err: Output;
}

/** What a command's action resolves with: the exit status, or nothing for 0. */
type Status = number | undefined;

/**
 * Parses the arguments, runs the command they name, and resolves with its exit status.
 * A failure is printed here, once, in the form asked for.
 */
export async function runProgram(args: readonly string[], streams: Streams): Promise<number> {
  let status: Status;
  const program = createProgram(streams, (result) => {
    status = result;
  });
  if (args[0] === "completion" || args[0] === "complete") {
    const { default: addCompletion } = await import("@bomb.sh/tab/commander");
    dropCommand(program, "completion");
    addCompletion(program, { completionCommandName: "completion" });
  }
  const json = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).includes("--json");
  try {
    if (args.length === 0) {
      await streams.err.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: "user" });
    return status ?? EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      await printUsageError(error, json, streams);
      return EXIT.usage;
    }
    const options = program.opts<GlobalOptions>();
    if (json) await streams.out.write(`${JSON.stringify(failureDocument(error))}\n`);
    else await streams.err.write(failureText(error, { verbose: options.verbose === true }));
    return exitStatusOf(error);
  }
}

async function printUsageError(error: CommanderError, json: boolean, { out, err }: Streams): Promise<void> {
  const message = error.message.replace(/^error: /, "").trim();
  if (json) await out.write(`${JSON.stringify({ error: { code: "USAGE", message, details: {} } })}\n`);
  else
    await err.write(
      `holdfast: USAGE: ${printableLine(message.replace(/\n\(Did/g, " (Did"))}; see holdfast --help\n`,
    );
}

function dropCommand(program: Command, name: string): void {
  const commands = program.commands as Command[];
  const index = commands.findIndex((command) => command.name() === name);
  if (index >= 0) commands.splice(index, 1);
}

/** The command line, as data: names, arguments, options. Each command's code is loaded when it is called. */
function createProgram(streams: Streams, done: (status: Status) => void): Command {
  const program = new Command("holdfast");
  program
    .description("Keeps the state of long-running agent workflows on disk: run, kill it, resume, verify.")
    .version(VERSION, "--version", "print the version")
    .helpOption("--help", "show help")
    .helpCommand(false)
    .option("--root <dir>", "the store (default: $HOLDFAST_ROOT, or .holdfast)")
    .option("--json", "one JSON document, or NDJSON for lists, on stdout and nothing else there")
    .option("--quiet", "no progress and no remarks")
    .option("--verbose", "more about what happens, and the causes of a failure")
    .option("--no-color", "no colour (also NO_COLOR)")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void streams.out.write(text),
      writeErr: () => {},
    })
    .showSuggestionAfterError(true)
    .exitOverride();

  /** Wraps what a command does: a context for it, closed afterwards whatever happened. */
  const action =
    <Arguments extends unknown[]>(run: (context: Context, ...args: Arguments) => Promise<Status>) =>
    async (...given: unknown[]): Promise<void> => {
      const args = given.slice(0, -1) as Arguments;
      await using context = new Context(program.opts<GlobalOptions>(), streams);
      done(await run(context, ...args));
    };

  program
    .command("init")
    .description("make a store and a commented workflow config")
    .argument("[dir]", "where", ".")
    .option("--force", "replace a config that is there")
    .action(
      action(async (context, dir: string, options: { force?: boolean }) =>
        (await import("./commands/init.ts")).init(context, dir, options),
      ),
    );

  program
    .command("run")
    .description("run a workflow")
    .argument("<config>", "a workflow config (YAML or JSON)")
    .option("--task <id>", "only this task of the config (default: each in turn)")
    .action(
      action(async (context, config: string, options: { task?: string }) =>
        (await import("./commands/run.ts")).run(context, config, options),
      ),
    );

  program
    .command("resume")
    .description("go on with a run from its last durable point; finished steps are not repeated")
    .argument("<run>", "run id")
    .action(action(async (context, run: string) => (await import("./commands/run.ts")).resume(context, run)));

  program
    .command("runs")
    .description("list runs, newest first")
    .addOption(new Option("--kind <kind>", "only this kind").choices(["simulation", "workflow"]))
    .addOption(
      new Option("--status <status>", "only this status").choices([
        "running",
        "completed",
        "failed",
        "aborted",
      ]),
    )
    .option("--limit <n>", "at most this many", wholeNumber("--limit"))
    .action(
      action(async (context, options: { kind?: string; status?: string; limit?: number }) =>
        (await import("./commands/runs.ts")).runs(context, options),
      ),
    );

  program
    .command("status")
    .description("where a run stands (default: every run that is not finished)")
    .argument("[run]", "run id")
    .action(
      action(async (context, run: string | undefined) =>
        (await import("./commands/status.ts")).status(context, run),
      ),
    );

  program
    .command("show")
    .description("everything about a run")
    .argument("<run>", "run id")
    .option("--transcript", "its readable story alone")
    .action(
      action(async (context, run: string, options: { transcript?: boolean }) =>
        (await import("./commands/status.ts")).show(context, run, options),
      ),
    );

  program
    .command("ledger")
    .description("the messages of a run, in order")
    .argument("<run>", "run id")
    .option("--pending", "only commands without an answer")
    .option("--terminal", "only events that end a step")
    .addOption(
      new Option("--kind <kind>", "only this kind").choices(["command", "event", "heartbeat", "log"]),
    )
    .action(
      action(
        async (context, run: string, options: { pending?: boolean; terminal?: boolean; kind?: string }) =>
          (await import("./commands/ledger.ts")).ledger(context, run, options),
      ),
    );

  program
    .command("receipts")
    .description("the proofs of the finished steps of a run")
    .argument("<run>", "run id")
    .option("--task <id>", "only this task")
    .action(
      action(async (context, run: string, options: { task?: string }) =>
        (await import("./commands/receipts.ts")).receipts(context, run, options),
      ),
    );

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
        ) => (await import("./commands/snapshot.ts")).take(context, dir, options),
      ),
    );
  snapshot
    .command("list")
    .description("list snapshots")
    .action(action(async (context) => (await import("./commands/snapshot.ts")).list(context)));
  snapshot
    .command("show")
    .description("the files of a snapshot")
    .argument("<id>", "snapshot id")
    .action(
      action(async (context, id: string) => (await import("./commands/snapshot.ts")).show(context, id)),
    );
  snapshot
    .command("diff")
    .description("what differs between two snapshots")
    .argument("<a>", "snapshot id")
    .argument("<b>", "snapshot id")
    .action(
      action(async (context, a: string, b: string) =>
        (await import("./commands/snapshot.ts")).diff(context, a, b),
      ),
    );
  snapshot
    .command("verify")
    .description("check a snapshot's contents, and a folder against it")
    .argument("<id>", "snapshot id")
    .argument("[dir]", "a workspace to compare with it")
    .action(
      action(async (context, id: string, dir: string | undefined) =>
        (await import("./commands/snapshot.ts")).verify(context, id, dir),
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
        (await import("./commands/snapshot.ts")).restore(context, id, dir, options),
      ),
    );

  program
    .command("verify")
    .description("check everything a store claims; exit 1 on damage")
    .argument("[run]", "only this run")
    .option("--workspace <dir>", "where the run's workspace is now, when it was moved")
    .action(
      action(async (context, run: string | undefined, options: { workspace?: string }) =>
        (await import("./commands/verify.ts")).verify(context, run, options),
      ),
    );

  program
    .command("repair")
    .description("cut torn tails (their bytes are kept), remove leftovers of dead writers")
    .argument("[run]", "only this run")
    .option("--dry-run", "say what would be done")
    .option(
      "--break-lock",
      "free the run from a holder in another container or on another host that is known to be gone",
    )
    .option("--salvage", "also take damaged lines out of logs (they are kept aside)")
    .action(
      action(
        async (
          context,
          run: string | undefined,
          options: { dryRun?: boolean; salvage?: boolean; breakLock?: boolean },
        ) => (await import("./commands/repair.ts")).repair(context, run, options),
      ),
    );

  program
    .command("mock-agent")
    .description("a scripted agent for tests, over stdin and stdout")
    .option("--type <type>", "agent type", "builder")
    .option("--script <file>", "agent script (JSON)")
    .option(
      "--review-changes-count <n>",
      "ask for changes in this many reviews first",
      wholeNumber("--review-changes-count"),
    )
    .option(
      "--spec-changes-count <n>",
      "ask for changes in this many spec updates first",
      wholeNumber("--spec-changes-count"),
    )
    .option(
      "--heartbeat-interval <ms>",
      "milliseconds between heartbeats",
      wholeNumber("--heartbeat-interval"),
    )
    .option("--no-heartbeat", "send no heartbeats")
    .option("--crash-before [event]", "end the process before this event (default: before any)")
    .option("--crash-after [event]", "end the process right after this event (default: after the first)")
    .option("--exit-code <n>", "exit status of a crash", wholeNumber("--exit-code"))
    .option("--attempts <n>", "fail only so many attempts (default: all)", wholeNumber("--attempts"))
    .option("--hang", "never answer")
    .option("--garbage <text>", "write this line before the answer")
    .option("--oversized <bytes>", "write a line of this size before the answer", wholeNumber("--oversized"))
    .option("--duplicate", "send each event twice")
    .option("--wrong-correlation", "send each event under another correlation id first")
    .action(
      action(async (context, options: MockAgentFlags) =>
        (await import("./commands/agent.ts")).mockAgent(context, options),
      ),
    );

  const agent = program.command("agent").description("make programs agents");
  agent
    .command("exec")
    .description(
      "make any command an agent: its exit status is the answer, what it changed are the artifacts",
    )
    .argument("<command...>", "the command and its arguments, after --")
    .option("--type <type>", "agent type (default: its name in the config)")
    .option("--completed <event>", "the terminal event of success (default: by the action)")
    .action(
      action(async (context, command: string[], options: { type?: string; completed?: string }) =>
        (await import("./commands/agent.ts")).execAgent(context, command, options),
      ),
    );

  program
    .command("schemas")
    .description("write the JSON Schemas")
    .option("--out <dir>", "where to (default: stdout)")
    .action(
      action(async (context, options: { out?: string }) =>
        (await import("./commands/schemas.ts")).schemas(context, options),
      ),
    );

  program
    .command("doctor")
    .description("check this machine: Node, file system, permissions, space, clock, agents")
    .option("--config <file>", "also check the agents of this workflow config")
    .action(
      action(async (context, options: { config?: string }) =>
        (await import("./commands/doctor.ts")).doctor(context, options),
      ),
    );

  // The real one is put in its place when it is called: its library costs start-up time.
  program
    .command("completion")
    .description("print the completion script of a shell")
    .addArgument(program.createArgument("<shell>").choices(["bash", "zsh", "fish"]));

  return program;
}

function wholeNumber(option: string): (text: string) => number {
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

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
