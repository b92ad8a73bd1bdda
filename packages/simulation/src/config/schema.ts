import { verbosityLevelSchema } from "@holdfast/events";
import * as z from "zod";

const POSITIVE = "must be a positive integer";
const positive = (): z.ZodInt => z.int(POSITIVE).min(1, POSITIVE);
const nameSchema = z
  .string()
  .min(1, "must not be empty")
  .max(100, "must have at most 100 characters")
  .refine((text) => text.trim() !== "", "must not be blank");
const moduleSchema = z
  .string()
  .min(1)
  .describe("Path of a module, relative to the config file; its default export is used");

const terminationSchema = z
  .strictObject({
    min_value: z.number().optional().describe("The run ends when the value the engine watches is below"),
    max_value: z.number().optional().describe("The run ends when the value the engine watches is above"),
  })
  .refine(
    ({ min_value, max_value }) =>
      min_value === undefined || max_value === undefined || min_value <= max_value,
    "must have a min_value that is not above its max_value",
  );

const eventsSchema = z.strictObject({
  queue_size: positive().default(10_000).describe("Events that wait to be written, at most"),
  on_full: z.enum(["drop", "wait"]).default("drop").describe("What happens to more of them"),
  rotate_bytes: z.int().min(1024).optional().describe("Size at which an event file is put aside"),
});

/** Who takes part, and what the engine is to know of it. */
const agentConfigSchema = z
  .looseObject({
    name: nameSchema,
    type: z.string().min(1).optional().describe("A kind of agent that the engine knows"),
    module: moduleSchema.optional(),
  })
  .describe("An agent; its other keys are for the engine and the agent's module");
/** Who takes part. */
export type AgentConfig = z.output<typeof agentConfigSchema>;

/** A built-in by its `type`, or a module; its other keys are its parameters. */
const partSchema = z.looseObject({ type: z.string().min(1).optional(), module: moduleSchema.optional() });
/** A built-in by its `type`, or a module, with parameters. */
export type PartConfig = z.output<typeof partSchema>;

/** The configuration of a simulation. What engines, agents and validators take beside it is checked by their own schemas. */
export const simulationConfigSchema = z.strictObject({
  kind: z.literal("simulation").default("simulation"),
  simulation: z.strictObject({
    name: nameSchema,
    max_turns: positive().describe("Turns to make, unless the engine ends the run earlier"),
    checkpoint_interval: positive()
      .nullable()
      .default(null)
      .describe("Turns between two checkpoints that stay; null: only `last` and the final one"),
    seed: z.int().min(0).optional().describe("Of the random numbers; default: one is drawn, and kept"),
    verbosity: verbosityLevelSchema
      .default("ACTION")
      .describe("Which events are kept: this level and those before it"),
    termination: terminationSchema.optional(),
    checkpoint_compression: z.enum(["none", "zstd"]).default("none").describe("How checkpoints are kept"),
    events: eventsSchema.default(() => ({ queue_size: 10_000, on_full: "drop" as const })),
  }),
  agents: z.array(agentConfigSchema).default(() => []),
  engine: partSchema.describe("economic, epidemic, or a module"),
  validator: partSchema
    .default(() => ({ type: "always_valid" }))
    .describe("What checks decisions: always_valid, bounds, schema, or a module"),
});
/** The configuration of a simulation, defaults filled in. */
export type SimulationConfig = z.output<typeof simulationConfigSchema>;
