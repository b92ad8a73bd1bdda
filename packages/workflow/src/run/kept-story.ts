import { hash } from "node:crypto";
import { canonicalJson } from "@holdfast/idempotency";
import { LedgerError, type LedgerReader } from "@holdfast/ledger";
import { type Fence, type Json, type Store, StoreError } from "@holdfast/storage";
import type { Receipt } from "@holdfast/task-store";
import * as z from "zod";
import type { WorkflowConfig } from "../config/schema.ts";
import { flowOf } from "../flow/flow.ts";
import { progressOfState, progressStateSchema, stateOfProgress } from "../flow/progress-state.ts";
import { processIdentitySchema } from "../supervisor/process-identity.ts";
import { isRecord } from "../unknown-value.ts";
import { RunStory } from "./run-story.ts";

const SCHEMA = "holdfast/run-story/v1";

/**
 * What a run's ledger says up to one of its lines, so that a long ledger need not be read from its start. It follows from the
 * ledger alone, and can be deleted at any moment.
 */
export const runStorySchema = z.object({
  schema: z.literal(SCHEMA),
  seq: z.int().min(1).describe("The line of the ledger it was made after"),
  chain: z.string().describe("The chain of that line, which stands for every line before it"),
  transcript_seq: z.int().min(0).describe("The last line of the ledger that the transcript told by then"),
  flow: z.string().describe("Checksum of the configuration it was made under"),
  progress: progressStateSchema,
  started_at: z.array(z.tuple([z.int(), z.string()])).describe("When each step was first sent"),
  processes: z.array(processIdentitySchema),
  check: z.string().describe("Checksum of all the other fields"),
});
type KeptStory = z.output<typeof runStorySchema>;

const keyOf = (runId: string): string => `runs/${runId}/story`;
const sha256 = (text: string): string => hash("sha256", text, "hex");

/** What the lines of a ledger mean depends on these parts of a configuration. */
function flowCheck(config: WorkflowConfig): string {
  const timeouts = Object.entries(config.agents).map(([name, agent]) => [name, agent.timeouts_s ?? {}]);
  return sha256(canonicalJson({ flow: flowOf(config), timeouts }));
}

/** Of the fields as they are stored, whatever a schema makes of them. */
function checkOf(fields: Readonly<Record<string, unknown>>): string {
  return sha256(canonicalJson(fields));
}

/** A story as of a line of the ledger. */
export interface StoryAt {
  readonly story: RunStory;
  readonly seq: number;
  readonly chain: string;
  /** The last line of the ledger that the transcript told when it was kept. */
  readonly transcriptSeq: number;
}

/** Keeps what a story says after a line; the transcript must be written up to there. */
export async function keepStory(
  store: Store,
  runId: string,
  text: string,
  options: { readonly fence: Fence },
): Promise<void> {
  try {
    await store.documents.put(keyOf(runId), JSON.parse(text) as Json, options);
  } catch (error) {
    // It saves time later, and nothing else. Whether the run is still ours, and the disk has room, the next line of the ledger tells.
    if (!(error instanceof StoreError)) throw error;
  }
}

/** A story as the text to keep, while it is as it was after that line. */
export function storyText(
  story: RunStory,
  config: WorkflowConfig,
  at: {
    readonly seq: number;
    readonly chain: string;
    readonly transcriptSeq: number;
    readonly hasReceipt: (step: number) => boolean;
  },
): string {
  const kept = {
    schema: SCHEMA,
    seq: at.seq,
    chain: at.chain,
    transcript_seq: at.transcriptSeq,
    flow: flowCheck(config),
    progress: stateOfProgress(story.progress, ({ step }) => at.hasReceipt(step)),
    started_at: [...story.startedAt],
    processes: [...story.processes.values()],
  } as const;
  // As it will be read: what a message says beyond its schema included.
  const plain = JSON.parse(JSON.stringify(kept)) as Record<string, unknown>;
  return JSON.stringify({ ...plain, check: checkOf(plain) });
}

/**
 * The story that was kept of a run, when it is whole and still true: made under this configuration, of the lines that the ledger has,
 * with a receipt for each step whose events were left to it. Otherwise `undefined`: the ledger is read from its start.
 */
export async function loadStory(
  store: Store,
  runId: string,
  known: {
    readonly config: WorkflowConfig;
    readonly ledger: Pick<LedgerReader, "replay">;
    readonly receipts: readonly Receipt[];
  },
): Promise<StoryAt | undefined> {
  try {
    const found = await store.documents.get(keyOf(runId));
    const parsed = runStorySchema.safeParse(found?.value);
    if (!parsed.success || !isWhole(found?.value)) return undefined;
    const kept = parsed.data;
    if (kept.flow !== flowCheck(known.config)) return undefined;
    if (kept.progress.last_seq !== kept.seq || !hasReceipts(kept, known.receipts)) return undefined;
    for await (const { chain } of known.ledger.replay({ from: kept.seq })) {
      if (chain !== kept.chain) return undefined;
      const progress = progressOfState(flowOf(known.config), kept.progress);
      const { started_at: startedAt, processes } = kept;
      const story = new RunStory(known.config, { progress, startedAt, processes });
      return { story, seq: kept.seq, chain: kept.chain, transcriptSeq: kept.transcript_seq };
    }
  } catch (error) {
    // What cannot be read is told by whoever reads the ledger as a whole.
    if (!(error instanceof StoreError || error instanceof LedgerError)) throw error;
  }
  return undefined;
}

function isWhole(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { check, ...fields } = value;
  return check === checkOf(fields);
}

function hasReceipts({ progress }: Pick<KeptStory, "progress">, receipts: readonly Receipt[]): boolean {
  const written = new Set(
    receipts.map((each) => `${each.step} ${each.correlation_id} ${each.idempotency_key}`),
  );
  return progress.steps.every(
    (step) => step.events !== undefined || written.has(`${step.step} ${step.correlation_id} ${step.key}`),
  );
}
