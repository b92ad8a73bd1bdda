import type { FileStore } from "@holdfast/storage";
import { RUNS_QUEUE, RunError } from "@holdfast/task-store";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { earliestTime } from "../gc/age-clock.ts";
import { readLineage } from "../gc/lineage.ts";
import type { GcPlan, Left, Removal } from "../gc/removal.ts";
import { type RunRules, withRunPlan } from "../gc/run-plan.ts";
import { unreferencedObjects } from "../gc/unreferenced-objects.ts";
import { ProgressLine } from "../progress.ts";
import { formatBytes, printable } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";
import { requireRun } from "./runs.ts";

/** Options of the command. */
export interface GcOptions {
  readonly keepLast?: number;
  /** Milliseconds. */
  readonly olderThan?: number;
  readonly dryRun?: boolean;
}

/** Removes what is old or needed by nobody, and says what went and how many bytes that were. */
export async function gc(context: Context, runId: string | undefined, options: GcOptions): Promise<number> {
  keepYoungGenerationSmall();
  const store = context.store();
  if (runId !== undefined) await requireRun(store, runId);
  const sweep = new Sweep(context, options.dryRun === true);
  const { keepLast, olderThan } = options;
  const rules: RunRules = {
    clock: earliestTime(() => Date.now()),
    dryRun: options.dryRun === true,
    ...(keepLast === undefined ? {} : { keepLast }),
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
  };
  const lineage = await readLineage(store);
  for (const run of lineage.runs) {
    if (runId !== undefined && run.run_id !== runId) continue;
    context.signal.throwIfAborted();
    const held = await whoHolds(store, run.run_id, rules.dryRun);
    try {
      if (held === undefined) await withRunPlan(store, run, lineage, rules, (plan) => sweep.add(plan));
      else sweep.leave({ place: run.run_id, reason: held });
    } catch (error) {
      if (runId !== undefined || !(error instanceof RunError && error.code === "RUN_HELD")) throw error;
      sweep.leave({ place: run.run_id, reason: error.message });
    }
  }
  if (runId === undefined)
    await sweep.add(await unreferencedObjects(store, { olderThanMs: olderThan, clock: rules.clock }));
  await sweep.tell();
  return EXIT.done;
}

/** A dry run takes no claim; it says what the claim would be refused for. */
async function whoHolds(store: FileStore, runId: string, dryRun: boolean): Promise<string | undefined> {
  const holder = dryRun ? await store.work.holder(RUNS_QUEUE, runId) : undefined;
  return (
    holder && `process ${holder.pid ?? "?"} on ${holder.host ?? "?"} holds it since ${holder.since ?? "?"}`
  );
}

/** Removes what plans name, and keeps count. */
class Sweep {
  readonly #context: Context;
  readonly #dryRun: boolean;
  readonly #live: ProgressLine;
  readonly #removed: Removal[] = [];
  readonly #left = new Map<string, Left>();

  constructor(context: Context, dryRun: boolean) {
    this.#context = context;
    this.#dryRun = dryRun;
    this.#live = new ProgressLine(context);
  }

  leave(left: Left): void {
    this.#left.set(`${left.place} ${left.reason}`, left);
  }

  async add(plan: GcPlan): Promise<void> {
    for (const left of plan.left) this.leave(left);
    for (const removal of plan.removals) {
      this.#context.signal.throwIfAborted();
      this.#live.update(`${removal.kind} ${removal.path}`);
      if (this.#dryRun || (await removal.remove())) this.#removed.push(removal);
    }
  }

  async tell(): Promise<void> {
    this.#live.clear();
    const removed = this.#removed.map(({ kind, path, bytes, reason, run_id }) => ({
      kind,
      path,
      bytes,
      reason,
      run_id,
    }));
    const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
    const left = [...this.#left.values()];
    await this.#context.result(
      { dry_run: this.#dryRun, removed, files: removed.length, bytes, left },
      this.#text(bytes, left),
    );
  }

  #text(bytes: number, left: readonly Left[]): string {
    const verb = this.#dryRun ? "would remove" : "removed";
    const lines = this.#removed
      .filter(({ kind }) => kind !== "object" || this.#context.verbose)
      .map((one) => `${verb}  ${printable(one.path)}  ${formatBytes(one.bytes)}  (${one.reason})\n`);
    const objects = this.#removed.filter(({ kind }) => kind === "object");
    if (objects.length > 0 && !this.#context.verbose)
      lines.push(`${verb}  ${counted(objects.length, "object")} that no snapshot names\n`);
    for (const { place, reason } of left) lines.push(`left  ${printable(place)}  ${printable(reason)}\n`);
    const total =
      this.#removed.length === 0
        ? "nothing to remove\n"
        : `${verb} ${counted(this.#removed.length, "file")}, ${formatBytes(bytes)} ${this.#dryRun ? "would be " : ""}freed\n`;
    return `${lines.join("")}${total}`;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
