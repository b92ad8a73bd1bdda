import { checkpointSchema } from "@holdfast/checkpoint";
import { storedEventSchema } from "@holdfast/events";
import { snapshotManifestSchema } from "@holdfast/snapshot";
import { jobManifestSchema, receiptSchema, runStateSchema, taskSchema } from "@holdfast/task-store";
import type * as z from "zod";
import type { Route } from "../route.ts";
import { checkpointRoutes } from "./checkpoints.ts";
import { eventTailRoutes } from "./event-tail.ts";
import { jobRoutes } from "./jobs.ts";
import { ledgerLineSchema, ledgerRoutes } from "./ledger.ts";
import { runRoutes } from "./runs.ts";
import { serverRoutes } from "./server.ts";
import { eventRoutes, simulationRoutes } from "./simulations.ts";
import { snapshotRoutes } from "./snapshots.ts";
import { taskRoutes } from "./tasks.ts";

/** Everything this server answers; of two paths that match, the first counts. */
export const ROUTES: readonly Route[] = [
  ...simulationRoutes,
  ...eventTailRoutes,
  ...eventRoutes,
  ...runRoutes,
  ...checkpointRoutes,
  ...ledgerRoutes,
  ...taskRoutes,
  ...jobRoutes,
  ...snapshotRoutes,
  ...serverRoutes,
];

/** Records that answers hold, by their names in the OpenAPI document. */
export const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Event: storedEventSchema,
  RunState: runStateSchema,
  Checkpoint: checkpointSchema,
  LedgerLine: ledgerLineSchema,
  Receipt: receiptSchema,
  Task: taskSchema,
  Job: jobManifestSchema,
  Snapshot: snapshotManifestSchema,
};
