import { type Json, timestampSchema } from "@holdfast/storage";
import * as z from "zod";
import { checksumSchema, stateSchema, turnSchema } from "./checkpoint.ts";

const idSchema = z.string().min(1).max(200);

/** What a run of a simulation was. */
export const runMetadataSchema = z.looseObject({
  schema: z.literal("holdfast/run-metadata/v1").default("holdfast/run-metadata/v1"),
  run_id: idSchema.describe("Id of the run"),
  simulation_name: z.string().min(1).describe("Name from the config"),
  num_agents: z.int().min(1).describe("How many agents"),
  start_time: timestampSchema.describe("When the run was started, RFC 3339"),
  end_time: timestampSchema.optional().describe("When it ended, RFC 3339"),
  checkpoint_interval: z
    .int()
    .min(1)
    .nullable()
    .describe("Turns from one interval checkpoint to the next; null: only the last and the final one"),
  config_snapshot: z.unknown().describe("The config the run was started with"),
});
/** What a run of a simulation was. */
export type RunMetadata = z.output<typeof runMetadataSchema>;

/** What results say beside the final state. */
export const resultsHeadSchema = z.looseObject({
  schema: z.literal("holdfast/simulation-results/v1").default("holdfast/simulation-results/v1"),
  run_metadata: runMetadataSchema,
  checkpoints: z
    .array(
      z.looseObject({ turn: turnSchema, file: z.string().min(1).describe("Path below the run's folder") }),
    )
    .describe("Checkpoints of the run, by turn"),
  summary_stats: z
    .looseObject({
      total_turns: z.int().min(0),
      termination_reason: z.string().min(1).describe("Why the run ended"),
      elapsed_time_seconds: z.number().min(0),
    })
    .describe("Figures of the run, and what the engine adds"),
});

/** How a simulation ended. Written once. The checksums stand in the file; who reads it gets it without them. */
export const simulationResultsSchema = resultsHeadSchema.extend({
  state_sha256: checksumSchema.optional().describe("Checksum of the final state's canonical JSON"),
  head_sha256: checksumSchema
    .optional()
    .describe("Checksum of the canonical JSON of all that stands here beside the final state"),
  final_state: stateSchema,
});

/** How a simulation ended. */
export interface SimulationResults {
  readonly schema: "holdfast/simulation-results/v1";
  readonly run_metadata: RunMetadata;
  readonly checkpoints: readonly { readonly turn: number; readonly file: string }[];
  readonly summary_stats: {
    readonly total_turns: number;
    readonly termination_reason: string;
    readonly elapsed_time_seconds: number;
    readonly [name: string]: unknown;
  };
  readonly final_state: { readonly turn: number; readonly [name: string]: Json };
}

/** Results as they are given to be saved: what has a default may be left out. */
export type NewSimulationResults = Omit<SimulationResults, "schema" | "run_metadata"> & {
  readonly schema?: SimulationResults["schema"];
  readonly run_metadata: z.input<typeof runMetadataSchema>;
};
