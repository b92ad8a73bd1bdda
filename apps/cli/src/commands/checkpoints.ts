import { CheckpointManager, diffStates } from "@holdfast/checkpoint";
import type { Json } from "@holdfast/storage";
import { type Change, describePatch } from "../checkpoint/describe-patch.ts";
import { requireCheckpoint, requireSimulation } from "../checkpoint/require-checkpoint.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { storedDocument } from "../gc/stored-file.ts";
import { formatBytes, printable, printableLine } from "../table.ts";

const MAX_VALUE = 100;

/** Lists the checkpoints of a run by turn, `last` at the end. States are not read. */
export async function checkpoints(context: Context, runId: string): Promise<number> {
  const store = context.store();
  await requireSimulation(store, runId);
  const manager = new CheckpointManager(store, runId, null);
  const entries = await manager.list();
  const turns = [...entries.map(({ turn }) => turn), "last"] as const;
  for (const which of turns) {
    const turn = which === "last" ? undefined : which;
    const name = which === "last" ? which : `turn_${which}`;
    const key = `runs/${runId}/checkpoints/${name}`;
    const file = storedDocument(store, key);
    if (file === undefined) continue;
    const head = await manager.head(runId, which);
    const told = {
      name,
      turn: turn ?? head?.turn ?? null,
      checkpoint_type: head?.checkpoint_type ?? null,
      timestamp: head?.timestamp ?? null,
      state_sha256: head?.state_sha256 ?? null,
      bytes: file.bytes,
      path: file.path,
    };
    const text = [
      String(told.turn ?? "?").padStart(8),
      (told.checkpoint_type ?? "damaged?").padEnd(8),
      (told.timestamp ?? "").slice(0, 19).replace("T", " ").padEnd(19),
      formatBytes(file.bytes).padStart(10),
      printable(file.path),
    ];
    if (!(await context.item(told, text.join("  ")))) break;
  }
  if (entries.length === 0) await context.note(`${runId} has no checkpoint of a turn of its own yet`);
  return EXIT.done;
}

/** A whole checkpoint. */
export async function showCheckpoint(
  context: Context,
  runId: string,
  which: number | "last",
): Promise<number> {
  await requireSimulation(context.store(), runId);
  const { checkpoint, path } = await requireCheckpoint(context, runId, which);
  const { state, ...head } = checkpoint;
  const facts = [
    `turn ${head.turn}`,
    head.checkpoint_type,
    head.timestamp,
    head.state_sha256,
    printable(path),
  ];
  const text = context.json ? "" : `${facts.join("  ")}\n${printable(JSON.stringify(state, null, 2))}\n`;
  await context.result(checkpoint, text);
  return EXIT.done;
}

/** What changes from one checkpoint to another: a JSON Patch, or a list for a person. */
export async function diffCheckpoints(
  context: Context,
  runId: string,
  a: number | "last",
  b: number | "last",
): Promise<number> {
  await requireSimulation(context.store(), runId);
  const { checkpoint: from } = await requireCheckpoint(context, runId, a);
  const { checkpoint: to } = await requireCheckpoint(context, runId, b);
  const patch = diffStates(from.state, to.state);
  if (context.json) {
    await context.result(patch, "");
    return EXIT.done;
  }
  for (const change of describePatch(from.state, patch)) {
    if (!(await context.item(change, textOf(context, change)))) return EXIT.done;
  }
  if (patch.length === 0) await context.note("no difference");
  return EXIT.done;
}

function textOf(context: Context, { op, path, before, after }: Change): string {
  const place = printableLine(path === "" ? "(the state)" : path.slice(1));
  switch (op) {
    case "add":
      return `${context.style("green", "added  ")}  ${place}  ${shown(after)}`;
    case "remove":
      return `${context.style("red", "removed")}  ${place}  ${shown(before)}`;
    default:
      return `${context.style("yellow", "changed")}  ${place}  ${shown(before)} -> ${shown(after)}`;
  }
}

function shown(value: Json | undefined): string {
  const text = printableLine(JSON.stringify(value) ?? "");
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 3)}...` : text;
}
