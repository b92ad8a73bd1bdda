import { type Json, timestampSchema } from "@holdfast/storage";
import * as z from "zod";

/** A turn of a simulation: 0 is the state before the first. */
export const turnSchema = z.int().min(0).describe("Turn of the simulation, from 0");

/** Why a checkpoint was written. */
export const checkpointTypeSchema = z
  .enum(["interval", "last", "final"])
  .describe("Why it was written: the interval was due, after every turn, at the end");
/** Why a checkpoint was written: the interval was due, after every turn, at the end. */
export type CheckpointType = z.output<typeof checkpointTypeSchema>;

/** A checksum as it is written. */
export const checksumSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 lowercase hex digits");
const jsonSchema = z.custom<Json>((value) => value !== undefined);

/** The state of a simulation: any JSON object that names its turn. */
export const stateSchema = z
  .looseObject({ turn: turnSchema })
  .describe("State of the simulation; its turn is the checkpoint's");

/** What a checkpoint says beside the state. */
export const checkpointHeadSchema = z.looseObject({
  schema: z.literal("holdfast/checkpoint/v1").default("holdfast/checkpoint/v1"),
  turn: turnSchema,
  checkpoint_type: checkpointTypeSchema,
  timestamp: timestampSchema.describe("When it was written, RFC 3339"),
  state_sha256: checksumSchema.describe("Checksum of the state's canonical JSON"),
  text_sha256: checksumSchema
    .optional()
    .describe("Checksum of the state's text, where it stands on one line and is not canonical"),
  head_sha256: checksumSchema
    .optional()
    .describe("Checksum of the canonical JSON of all that stands here beside the state"),
  random: jsonSchema.optional().describe("State of the random generator"),
});

/** The whole state of a simulation after a turn. */
export const checkpointSchema = checkpointHeadSchema.extend({ state: stateSchema });

/** The state of a simulation: any JSON object that names its turn. */
export type SimulationState = { readonly turn: number; readonly [name: string]: Json };

/** What a checkpoint says beside the state. */
export interface CheckpointHead {
  readonly schema: "holdfast/checkpoint/v1";
  readonly turn: number;
  readonly checkpoint_type: CheckpointType;
  readonly timestamp: string;
  readonly state_sha256: string;
  /** Checksum of the state's text, where it stands on one line and is not canonical. */
  readonly text_sha256?: string | undefined;
  /** Checksum of all of this but itself; files of other writers may have none. */
  readonly head_sha256?: string | undefined;
  readonly random?: Json | undefined;
}

/** The whole state of a simulation after a turn. */
export interface Checkpoint extends CheckpointHead {
  readonly state: SimulationState;
}
