import { type ReplayResult, replaySimulation } from "@holdfast/simulation";
import { requireSimulation, requireTurn } from "../checkpoint/require-checkpoint.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { ProgressLine } from "../progress.ts";
import { printable } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

/** Makes the turns of a run again, without writing anything, and compares every checkpoint. */
export async function replay(
  context: Context,
  runId: string,
  options: { readonly from?: number },
): Promise<number> {
  keepYoungGenerationSmall();
  const store = context.store();
  await requireSimulation(store, runId);
  if (options.from !== undefined && options.from > 0) await requireTurn(store, runId, options.from);
  const live = new ProgressLine(context);
  const result = await replaySimulation(runId, {
    store,
    signal: context.signal,
    from: options.from,
    onTurn: ({ turn, to }) => live.update(`  turn ${turn} of ${to}`),
  });
  live.clear();
  // A replay that compared nothing proves nothing.
  const isProved = result.difference === undefined && result.unreadable.length === 0;
  await context.result({ ok: isProved, ...result }, textOf(context, result));
  return isProved ? EXIT.done : EXIT.failed;
}

function textOf(context: Context, result: ReplayResult): string {
  const { run_id, from, to, checkpoints_compared: compared, difference, unreadable } = result;
  const lines = unreadable.map(
    ({ path, code, message }) =>
      `${context.style("yellow", "not compared")}  ${path}  ${code}: ${printable(message)}\n`,
  );
  const turns = compared.length > 12 ? `${compared.slice(0, 12).join(", ")}, ...` : compared.join(", ");
  const agreed =
    compared.length === 0
      ? `${run_id} was made again from turn ${from} to ${to}; there is no checkpoint to compare with`
      : `${run_id} was made again from turn ${from} to ${to}: the checkpoints of turn ${turns} agree`;
  if (difference === undefined)
    return `${lines.join("")}${context.style(unreadable.length === 0 ? "green" : "yellow", agreed)}\n`;
  const found = `${run_id} differs: ${printable(difference.message)}`;
  return `${lines.join("")}${compared.length === 0 ? "" : `${agreed}\n`}${context.style("red", found)}\n`;
}
