import { checkpointSchema, runMetadataSchema, simulationResultsSchema } from "@holdfast/checkpoint";
import { eventFilterSchema, streamEventSchema } from "@holdfast/events";
import { commandSchema, eventSchema, heartbeatSchema, logSchema } from "@holdfast/ledger";
import { simulationConfigSchema } from "@holdfast/simulation";
import { snapshotManifestSchema } from "@holdfast/snapshot";
import { jobManifestSchema, receiptSchema, runStateSchema, taskSchema } from "@holdfast/task-store";
import { jobConfigSchema, jobRequestSchema, runStorySchema, workflowConfigSchema } from "@holdfast/workflow";
import { agentScriptSchema } from "@holdfast/workflow/agent";
import * as z from "zod";
import { removedCheckpointsSchema } from "./gc/removed-checkpoints.ts";

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  command: commandSchema,
  event: eventSchema,
  heartbeat: heartbeatSchema,
  log: logSchema,
  "snapshot-manifest": snapshotManifestSchema,
  receipt: receiptSchema,
  "run-state": runStateSchema,
  "run-story": runStorySchema,
  "stream-event": streamEventSchema,
  "event-filter": eventFilterSchema,
  checkpoint: checkpointSchema,
  "simulation-results": simulationResultsSchema,
  "run-metadata": runMetadataSchema,
  "removed-checkpoints": removedCheckpointsSchema,
  task: taskSchema,
  "job-manifest": jobManifestSchema,
  "job-config": jobConfigSchema,
  "job-request": jobRequestSchema,
  "workflow-config": workflowConfigSchema,
  "simulation-config": simulationConfigSchema,
  "agent-script": agentScriptSchema,
};

/** The JSON Schemas (draft 2020-12) of every record there is, by name: what a writer may give. */
export function recordSchemas(): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(SCHEMAS).map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, {
        io: "input",
        reused: "inline",
        unrepresentable: "any",
      });
      return [name, { $schema, $id: `https://holdfast.dev/schemas/v1/${name}.json`, title: name, ...rest }];
    }),
  );
}
