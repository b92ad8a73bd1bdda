import { snapshotIdSchema, snapshotManifestSchema, snapshotStore } from "@holdfast/snapshot";
import * as z from "zod";
import { jsonReply } from "../reply.ts";
import { defineRoute } from "../route.ts";
import { snapshotExample } from "./examples.ts";
import { unknown } from "./find-run.ts";
import { pathIdSchema } from "./parameters.ts";

const list = defineRoute({
  path: "/snapshots",
  operationId: "listSnapshots",
  tag: "records",
  summary: "Snapshots",
  description: "The ids of the snapshots in the store, sorted.",
  answer: {
    description: "The ids",
    schema: z.object({ snapshots: z.array(z.object({ id: snapshotIdSchema })) }),
    example: { snapshots: [{ id: snapshotExample.snapshot_id }] },
  },
  problems: [],
  async handle({ store }) {
    return jsonReply({ snapshots: (await snapshotStore(store).list()).map((id) => ({ id })) });
  },
});

const one = defineRoute({
  path: "/snapshots/{id}",
  operationId: "getSnapshot",
  tag: "records",
  summary: "A snapshot",
  description: "The manifest of one snapshot: path, checksum and size of each file.",
  params: z.object({ id: pathIdSchema }),
  answer: { description: "The manifest", schema: snapshotManifestSchema, example: snapshotExample },
  problems: ["NOT_FOUND", "RECORD_DAMAGED", "RECORD_NEWER_FORMAT"],
  async handle({ store, params: { id } }) {
    if (!snapshotIdSchema.safeParse(id).success) throw unknown("snapshot", id);
    return jsonReply(await snapshotStore(store).load(id));
  },
});

/** Workspaces by their content. */
export const snapshotRoutes = [list, one];
