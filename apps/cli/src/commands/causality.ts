import { type CausalityLevel, eventLog, type StoredEvent } from "@holdfast/events";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { printableLine } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";
import { eventLine } from "./event-line.ts";
import { requireStream } from "./events.ts";

const MAX_DEPTH = 20;

/** Options of `holdfast causality`. */
export interface CausalityOptions {
  readonly depth?: number;
}

/** Prints what led to an event, and what came of it, each as a tree. */
export async function causality(
  context: Context,
  runId: string,
  eventId: string,
  options: CausalityOptions,
): Promise<undefined> {
  keepYoungGenerationSmall();
  const store = context.store();
  const { depth = 5 } = options;
  if (depth > MAX_DEPTH)
    throw new CommandError(
      "USAGE",
      `--depth takes a number from 1 to ${MAX_DEPTH}, not ${depth}`,
      EXIT.usage,
    );
  await requireStream(store, runId);
  const found = await eventLog(store, runId).causality(eventId, { depth, signal: context.signal });
  if (found === undefined) {
    throw new CommandError(
      "EVENT_NOT_FOUND",
      `Cannot find event "${eventId}": run "${runId}" has none of that id; holdfast events ${runId} lists them`,
      EXIT.notFound,
    );
  }
  if (context.json) {
    await context.result(found, "");
    return undefined;
  }
  const { event, upstream, downstream } = found;
  await context.out.line(eventLine(context, event));
  await context.out.line(upstream.length === 0 ? "caused by: nothing that is known" : "caused by:");
  await printTree(context, causesTree(event, upstream, depth));
  await context.out.line(downstream.length === 0 ? "led to: nothing" : "led to:");
  await printTree(context, effectsTree(event, downstream));
  if (found.truncated) await context.warn("there is more than is shown; ask for fewer levels with --depth");
  return undefined;
}

/** What is below an event in a tree: an event, or a remark in the place of one. */
type Branch =
  | { readonly event: StoredEvent; readonly below: readonly Branch[] }
  | { readonly remark: string };

/** Each event stands once, at its least depth; where it is named again, only its id does. */
function causesTree(event: StoredEvent, levels: readonly CausalityLevel[], depth: number): readonly Branch[] {
  const level = new Map(
    levels.flatMap((one) => one.events.map((each) => [each.event_id, { ...one, event: each }])),
  );
  const missing = new Set(levels.flatMap((one) => one.missing));
  const shown = new Set([event.event_id]);
  const below = ({ caused_by = [] }: StoredEvent, at: number): Branch[] =>
    [...new Set(caused_by)].map((id) => {
      if (missing.has(id)) return { remark: `${id}  (not in the stream)` };
      if (at > depth && !level.has(id)) return { remark: `${id}  (beyond --depth ${depth})` };
      const known = level.get(id);
      if (known?.depth !== at || shown.has(id)) return { remark: `${id}  (shown elsewhere)` };
      shown.add(id);
      return { event: known.event, below: below(known.event, at + 1) };
    });
  return below(event, 1);
}

function effectsTree(event: StoredEvent, levels: readonly CausalityLevel[]): readonly Branch[] {
  const below = (parents: readonly StoredEvent[], at: number): ReadonlyMap<string, readonly Branch[]> => {
    const branches = new Map<string, Branch[]>();
    const found = levels.find(({ depth }) => depth === at)?.events ?? [];
    if (found.length === 0) return branches;
    const deeper = below(found, at + 1);
    const ids = new Set(parents.map(({ event_id }) => event_id));
    for (const effect of found) {
      const [first = "", ...others] = new Set(effect.caused_by?.filter((id) => ids.has(id)));
      const branch = { event: effect, below: deeper.get(effect.event_id) ?? [] };
      branches.set(first, [...(branches.get(first) ?? []), branch]);
      for (const id of others)
        branches.set(id, [...(branches.get(id) ?? []), { remark: `${effect.event_id}  (shown elsewhere)` }]);
    }
    return branches;
  };
  return below([event], 1).get(event.event_id) ?? [];
}

async function printTree(context: Context, branches: readonly Branch[], indent = ""): Promise<void> {
  for (const [index, branch] of branches.entries()) {
    if (context.out.closed) return;
    const isLast = index === branches.length - 1;
    const line =
      "remark" in branch
        ? context.style("dim", printableLine(branch.remark))
        : eventLine(context, branch.event);
    await context.out.line(`${indent}${isLast ? "└─ " : "├─ "}${line}`);
    if ("below" in branch) await printTree(context, branch.below, `${indent}${isLast ? "   " : "│  "}`);
  }
}
