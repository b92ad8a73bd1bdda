import { basename } from "node:path";
import {
  forkSimulation,
  loadSimulationConfig,
  resumeSimulation,
  runSimulation,
  type SimulationNote,
  type SimulationOptions,
  type SimulationOverrides,
  type SimulationResult,
} from "@holdfast/simulation";
import { requireSimulation } from "../checkpoint/require-checkpoint.ts";
import type { Context } from "../context.ts";
import { CommandError, EXIT, exitStatusOf } from "../failure.ts";
import { printable } from "../table.ts";
import { TurnProgress } from "../turn-progress.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

/** Options that stand in for what a simulation's config says, as they are typed. */
export interface OverrideFlags {
  readonly checkpointInterval?: number;
  readonly maxTurns?: number;
  readonly seed?: number;
  readonly verbosity?: NonNullable<SimulationOverrides["verbosity"]>;
}

/** Options of `run` for simulations. */
export interface RunSimulationFlags extends OverrideFlags {
  readonly resumeFrom?: string;
  readonly resumeTurn?: number;
}

/** Runs a simulation config; with `--resume-from`, from a checkpoint of another run. */
export async function runSimulationConfig(
  context: Context,
  path: string,
  flags: RunSimulationFlags,
): Promise<number> {
  const { resumeFrom, resumeTurn } = flags;
  if ((resumeFrom === undefined) !== (resumeTurn === undefined)) {
    const message =
      resumeTurn === undefined
        ? `Cannot fork run "${resumeFrom}": --resume-from needs --resume-turn; holdfast checkpoints ${resumeFrom} lists the turns`
        : `Cannot fork at turn ${resumeTurn}: --resume-turn needs --resume-from with the run that is meant`;
    throw new CommandError("USAGE", message, EXIT.usage);
  }
  const config = await loadSimulationConfig(path);
  const overrides = overridesOf(flags);
  if (resumeFrom === undefined || resumeTurn === undefined)
    return watch(context, (options) => runSimulation({ ...options, ...overrides, config, configPath: path }));
  await requireSimulation(context.store(), resumeFrom);
  return watch(context, (options) =>
    forkSimulation(resumeFrom, resumeTurn, { ...options, ...overrides, config, configPath: path }),
  );
}

/** Goes on with a simulation run. */
export async function resumeSimulationRun(context: Context, runId: string): Promise<number> {
  return watch(context, (options) => resumeSimulation(runId, options));
}

/** Starts a new run from a checkpoint of another, with its config. */
export async function forkSimulationRun(
  context: Context,
  runId: string,
  turn: number,
  flags: OverrideFlags,
): Promise<number> {
  await requireSimulation(context.store(), runId);
  return watch(context, (options) => forkSimulation(runId, turn, { ...options, ...overridesOf(flags) }));
}

function overridesOf({ checkpointInterval, maxTurns, seed, verbosity }: OverrideFlags): SimulationOverrides {
  return { checkpointInterval, maxTurns, seed, verbosity };
}

/** Lets a run go on under the eyes of a terminal; when it cannot, says how it does later. */
async function watch(
  context: Context,
  start: (options: SimulationOptions) => Promise<SimulationResult>,
): Promise<number> {
  keepYoungGenerationSmall();
  const watcher = new Watcher(context);
  try {
    const result = await start({
      store: context.store(),
      signal: context.signal,
      onNote: (note) => watcher.note(note),
      onTurn: ({ turn, max_turns }) => watcher.turn(turn, max_turns),
    });
    watcher.progress.clear();
    return await tell(context, result);
  } catch (error) {
    watcher.progress.clear();
    if (watcher.runId !== undefined && exitStatusOf(error) === EXIT.failed)
      await context.note(
        `every turn before is whole on disk; once this is mended, holdfast resume ${watcher.runId} goes on`,
      );
    throw error;
  }
}

/** Follows a run, and keeps what is needed when it ends otherwise than it should. */
class Watcher {
  readonly progress: TurnProgress;
  readonly #context: Context;
  #kept: { readonly turn: number; readonly name: string } | undefined;
  runId: string | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.progress = new TurnProgress(context);
  }

  turn(turn: number, maxTurns: number): void {
    const kept = this.#kept?.turn === turn ? this.#kept.name : undefined;
    this.progress.turn({ turn, maxTurns, kept });
  }

  note(note: SimulationNote): void {
    switch (note.kind) {
      case "run": {
        this.runId = note.run_id;
        const from = note.turn === 0 ? "" : ` after turn ${note.turn}`;
        this.progress.remark(
          `${note.resumed ? "resuming" : "run"} ${note.run_id}${from}, to turn ${note.max_turns}`,
        );
        return;
      }
      case "checkpoint":
        this.#kept = { turn: note.turn, name: basename(note.path) };
        return;
      case "warning":
        this.progress.clear();
        void this.#context.warn(printable(note.message));
        return;
      case "log":
        if (note.level === "debug" && !this.#context.verbose) return;
        this.progress.remark(`  turn ${note.turn} ${note.level}: ${printable(note.message)}`);
    }
  }
}

async function tell(context: Context, result: SimulationResult): Promise<number> {
  const colour = { completed: "green", failed: "red", aborted: "yellow" } as const;
  const reason = result.termination_reason === undefined ? "" : ` (${printable(result.termination_reason)})`;
  const error =
    result.error === undefined ? "" : `\n${result.error.code}: ${printable(result.error.message)}`;
  const hint = result.hint === undefined ? "" : `\n${result.hint}`;
  const turns = `${result.turn} ${result.turn === 1 ? "turn" : "turns"}`;
  const text = `${result.run_id} ${context.style(colour[result.status], result.status)}: ${turns}${reason}${error}${hint}\n`;
  await context.result(result, text);
  if (result.status === "completed") return EXIT.done;
  return result.status === "aborted" ? EXIT.interrupted : EXIT.failed;
}
