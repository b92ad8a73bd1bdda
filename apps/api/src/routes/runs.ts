import { type RunState, runIdSchema, runStateSchema, runStore } from "@holdfast/task-store";
import * as z from "zod";
import { jsonReply } from "../reply.ts";
import { defineRoute } from "../route.ts";
import { withoutServerPaths } from "../server-paths.ts";
import { runStateExample } from "./examples.ts";
import { unknown } from "./find-run.ts";
import { limitSchema, nextCursorSchema, pathIdSchema, wordSchema } from "./parameters.ts";

const damagedRunSchema = z.object({
  run_id: z.string(),
  code: z.string().describe("Why its state cannot be read; holdfast verify says more"),
});

const list = defineRoute({
  path: "/runs",
  operationId: "listRuns",
  tag: "runs",
  summary: "Runs",
  description:
    "The states of runs, by id. Absolute paths in what a run recorded of its config and its failure are cut to their last part.",
  query: z.object({
    kind: wordSchema(["simulation", "workflow"], "Only runs of this kind").optional(),
    status: wordSchema(["running", "completed", "failed", "aborted"], "Only runs of this status").optional(),
    limit: limitSchema(1_000, 100),
    cursor: runIdSchema.describe("The next_cursor of the page before").optional(),
  }),
  answer: {
    description: "A page of runs",
    schema: z.object({
      runs: z.array(runStateSchema),
      has_more: z.boolean(),
      next_cursor: nextCursorSchema,
      damaged: z.array(damagedRunSchema).describe("Runs that belong here, and whose state cannot be read"),
    }),
    example: { runs: [runStateExample], has_more: false, next_cursor: null, damaged: [] },
  },
  problems: [],
  async handle({ store, query: { kind, status, limit, cursor } }) {
    const damaged: Array<z.output<typeof damagedRunSchema>> = [];
    const page = await runStore(store).page({
      ...(kind === undefined ? {} : { kind }),
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
      limit: limit + 1,
      onDamaged: (run_id, { code }) => damaged.push({ run_id, code }),
    });
    const runs = page.items.slice(0, limit);
    const has_more = page.items.length > limit;
    return jsonReply({
      runs: runs.map(shown),
      has_more,
      next_cursor: has_more ? (runs.at(-1)?.run_id ?? null) : null,
      damaged,
    });
  },
});

const one = defineRoute({
  path: "/runs/{run_id}",
  operationId: "getRun",
  tag: "runs",
  summary: "Where a run stands",
  description: "The state of one run.",
  params: z.object({ run_id: pathIdSchema }),
  answer: { description: "The state", schema: runStateSchema, example: runStateExample },
  problems: ["NOT_FOUND", "RECORD_DAMAGED", "RECORD_NEWER_FORMAT"],
  async handle({ store, params: { run_id } }) {
    const state = runIdSchema.safeParse(run_id).success ? await runStore(store).load(run_id) : undefined;
    if (state === undefined) throw unknown("run", run_id);
    return jsonReply(shown(state));
  },
});

function shown(state: RunState): RunState {
  return {
    ...state,
    config_snapshot: withoutServerPaths(state.config_snapshot ?? null),
    ...(state.error === undefined ? {} : { error: withoutServerPaths(state.error) }),
  };
}

/** Runs of both kinds. */
export const runRoutes = [list, one];
