import { CheckpointManager, checkpointSchema } from "@holdfast/checkpoint";
import { runIdSchema } from "@holdfast/task-store";
import * as z from "zod";
import { jsonReply } from "../reply.ts";
import { defineRoute } from "../route.ts";
import { checkpointExample } from "./examples.ts";
import { requireRun, unknown } from "./find-run.ts";
import { pathIdSchema } from "./parameters.ts";

/** Header of an answer that is not the checkpoint which was asked for. */
const FALLBACK = "x-holdfast-fallback";

const turnSchema = z
  .string()
  .regex(/^(?:last|0|[1-9]\d{0,14})$/, "must be a turn from 0, or last")
  .describe("A turn, or last");

const pointerSchema = z.string().describe("JSON Pointer (RFC 6901)");

/** A change, as RFC 6902 spells it. */
const patchSchema = z.array(
  z.union([
    z.object({ op: z.enum(["add", "replace"]), path: pointerSchema, value: z.unknown() }),
    z.object({ op: z.literal("remove"), path: pointerSchema }),
    z.object({ op: z.enum(["move", "copy"]), from: pointerSchema, path: pointerSchema }),
  ]),
);

const list = defineRoute({
  path: "/runs/{run_id}/checkpoints",
  operationId: "listCheckpoints",
  tag: "runs",
  summary: "Checkpoints of a run",
  description:
    "The turns that have a checkpoint of their own, in order. The last one that was saved is at checkpoints/last.",
  params: z.object({ run_id: pathIdSchema }),
  answer: {
    description: "The checkpoints",
    schema: z.object({
      checkpoints: z.array(
        z.object({ turn: z.int().min(0), file: z.string().describe("Path below the run's folder") }),
      ),
    }),
    example: { checkpoints: [{ turn: 5, file: "checkpoints/turn_5.json" }] },
  },
  problems: ["NOT_FOUND"],
  async handle({ store, params: { run_id } }) {
    const entries = await (await checkpointsOf(store, run_id)).list();
    return jsonReply({ checkpoints: entries.map(({ turn, file }) => ({ turn, file })) });
  },
});

const diff = defineRoute({
  path: "/runs/{run_id}/checkpoints/diff",
  operationId: "diffCheckpoints",
  tag: "runs",
  summary: "What changed between two checkpoints",
  description:
    "JSON Patch (RFC 6902) from one state to the other. Items of lists are matched by id or name where all have one.",
  params: z.object({ run_id: pathIdSchema }),
  query: z.object({ from: turnSchema, to: turnSchema }),
  answer: {
    description: "The changes; none when the states are equal",
    type: "application/json-patch+json",
    schema: patchSchema,
    example: [{ op: "replace", path: "/total", value: 2100 }],
  },
  problems: ["NOT_FOUND", "RECORD_DAMAGED", "RECORD_NEWER_FORMAT"],
  async handle({ store, params: { run_id }, query: { from, to } }) {
    const checkpoints = await checkpointsOf(store, run_id);
    return jsonReply(await checkpoints.diff(whichOf(from), whichOf(to)), {
      "content-type": "application/json-patch+json",
    });
  },
});

const one = defineRoute({
  path: "/runs/{run_id}/checkpoints/{turn}",
  operationId: "getCheckpoint",
  tag: "runs",
  summary: "A checkpoint",
  description:
    "The whole state after a turn, verified by its checksum. Where last is damaged, the newest whole one is given and X-Holdfast-Fallback says why.",
  params: z.object({ run_id: pathIdSchema, turn: turnSchema }),
  answer: {
    description: "The checkpoint",
    schema: checkpointSchema,
    example: checkpointExample,
    headers: {
      "X-Holdfast-Fallback": z
        .string()
        .optional()
        .describe("What is wrong with the last checkpoint, when this is another one"),
    },
  },
  problems: ["NOT_FOUND", "RECORD_DAMAGED", "RECORD_NEWER_FORMAT"],
  async handle({ store, params: { run_id, turn } }) {
    const checkpoints = await checkpointsOf(store, run_id);
    const { checkpoint, fallback } = await checkpoints.load(run_id, whichOf(turn));
    return jsonReply(checkpoint, fallback === undefined ? {} : { [FALLBACK]: fallback.code });
  },
});

async function checkpointsOf(
  store: ConstructorParameters<typeof CheckpointManager>[0],
  runId: string,
): Promise<CheckpointManager> {
  if (!runIdSchema.safeParse(runId).success) throw unknown("run", runId);
  await requireRun(store, runId);
  return new CheckpointManager(store, runId, null);
}

function whichOf(text: string): number | "last" {
  return text === "last" ? text : Number(text);
}

/** The states a simulation had. */
export const checkpointRoutes = [list, diff, one];
