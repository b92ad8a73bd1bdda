import { type LedgerRecord, messageSchema, readLedger } from "@holdfast/ledger";
import type { Store } from "@holdfast/storage";
import { listReceipts, receiptSchema, runIdSchema, runStore } from "@holdfast/task-store";
import * as z from "zod";
import { asProblem } from "../known-failures.ts";
import { jsonReply } from "../reply.ts";
import { defineRoute } from "../route.ts";
import { ledgerLineExample, receiptExample } from "./examples.ts";
import { requireRun, unknown } from "./find-run.ts";
import { limitSchema, nextCursorSchema, pathIdSchema, wordSchema } from "./parameters.ts";

/** A line of a ledger, as it stands in the file. */
export const ledgerLineSchema = messageSchema.and(
  z.looseObject({
    seq: z.int().min(1).describe("Place in the ledger, from 1"),
    fence: z
      .int()
      .min(0)
      .optional()
      .describe("The writer's fencing token; absent where it was written elsewhere"),
    chain: z.string().optional().describe("Link of the hash chain; absent where it was written elsewhere"),
    agent_seq: z.int().min(0).optional().describe("The agent's own number of a heartbeat"),
  }),
);

const ledger = defineRoute({
  path: "/runs/{run_id}/ledger",
  operationId: "getLedger",
  tag: "runs",
  summary: "Messages of a run",
  description:
    "What a workflow asked and what came back, in order. A run without a ledger gives an empty page. The hash chain is not verified here: holdfast verify does.",
  params: z.object({ run_id: pathIdSchema }),
  query: z.object({
    kind: wordSchema(["command", "event", "heartbeat", "log"], "Only messages of this kind").optional(),
    pending: z
      .boolean("must be true or false")
      .optional()
      .describe("true: only commands that no terminal event follows"),
    limit: limitSchema(10_000, 1_000),
    cursor: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, "is none that this server gave")
      .describe("The next_cursor of the page before")
      .optional(),
  }),
  answer: {
    description: "A page of messages",
    schema: z.object({
      messages: z.array(ledgerLineSchema),
      has_more: z.boolean(),
      next_cursor: nextCursorSchema,
    }),
    example: { messages: [ledgerLineExample], has_more: false, next_cursor: null },
  },
  problems: ["NOT_FOUND", "RECORD_DAMAGED"],
  async handle({ store, params: { run_id }, query: { kind, pending, limit, cursor }, signal }) {
    if (!runIdSchema.safeParse(run_id).success) throw unknown("run", run_id);
    await requireRun(store, run_id);
    const from = cursor === undefined ? 1 : Number(cursor) + 1;
    const messages: unknown[] = [];
    let last = 0;
    let hasMore = false;
    for await (const record of await recordsOf(store, run_id, {
      pending: pending === true,
      from,
      signal: signal(),
    })) {
      if (record.seq < from || (kind !== undefined && record.message.kind !== kind)) continue;
      hasMore = messages.length === limit;
      if (hasMore) break;
      messages.push(lineOf(record));
      last = record.seq;
    }
    return jsonReply({ messages, has_more: hasMore, next_cursor: hasMore ? String(last) : null });
  },
});

const receipts = defineRoute({
  path: "/runs/{run_id}/receipts",
  operationId: "listReceipts",
  tag: "runs",
  summary: "Receipts of a run",
  description:
    "The proofs of its finished steps, by step. They are not compared with the workspace here: holdfast verify does.",
  params: z.object({ run_id: pathIdSchema }),
  answer: {
    description: "The receipts",
    schema: z.object({ receipts: z.array(receiptSchema) }),
    example: { receipts: [receiptExample] },
  },
  problems: ["NOT_FOUND", "RECORD_DAMAGED", "RECORD_NEWER_FORMAT"],
  async handle({ store, params: { run_id } }) {
    if (!runIdSchema.safeParse(run_id).success) throw unknown("run", run_id);
    await requireRun(store, run_id);
    return jsonReply({ receipts: await listReceipts(store, run_id) });
  },
});

async function recordsOf(
  store: Store,
  runId: string,
  options: { readonly pending: boolean; readonly from: number; readonly signal: AbortSignal },
): Promise<AsyncIterable<LedgerRecord> | Iterable<LedgerRecord>> {
  const { pending, from, signal } = options;
  const reader = readLedger(store, runId, {
    terminalEvents: pending ? await declaredEvents(store, runId) : [],
  });
  if (!pending) return reader.replay({ from, signal });
  return (await reader.summarize({ signal })).pending.map(({ command }) => command);
}

/** Events that the flow of the run's own config declares as the ends of steps: the keys of its stages' `on`, up to a slash. */
async function declaredEvents(store: Store, runId: string): Promise<readonly string[]> {
  const stages = await stagesOf(store, runId);
  return stages.flatMap((stage) =>
    Object.keys(recordIn(stage, "on")).map((name) => name.split("/")[0] ?? name),
  );
}

async function stagesOf(store: Store, runId: string): Promise<readonly unknown[]> {
  try {
    const state = await runStore(store).load(runId);
    return Object.values(recordIn(recordIn(state?.config_snapshot, "flow"), "stages"));
  } catch (error) {
    // A state that cannot be read says nothing of its flow; the ledger is whole all the same.
    if (asProblem(error).code.startsWith("RECORD_")) return [];
    throw error;
  }
}

function recordIn(value: unknown, name: string): Record<string, unknown> {
  const inner: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
}

function lineOf({ message, seq, fence, chain }: LedgerRecord): unknown {
  const agentSeq = message.kind === "heartbeat" ? { agent_seq: message.seq } : {};
  return {
    ...message,
    ...agentSeq,
    seq,
    ...(fence === undefined ? {} : { fence }),
    ...(chain === undefined ? {} : { chain }),
  };
}

/** What a workflow recorded. */
export const ledgerRoutes = [ledger, receipts];
