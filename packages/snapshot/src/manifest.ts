import { CHECKSUM_PATTERN } from "@holdfast/checksum";
import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";

/** The form of a snapshot id: `snap-` and 12 lowercase hexadecimal digits. */
export const SNAPSHOT_ID_PATTERN = /^snap-[0-9a-f]{12}$/;

/** A snapshot id: `snap-` and 12 lowercase hexadecimal digits. */
export const snapshotIdSchema = z
  .string()
  .regex(SNAPSHOT_ID_PATTERN, 'must be "snap-" and 12 lowercase hexadecimal digits')
  .describe("Id of a snapshot, from the paths, checksums and sizes of its files");

/** One file of a snapshot. Only `path`, `sha256` and `size` are part of the snapshot's id. */
export const snapshotFileSchema = z.looseObject({
  path: z.string().min(1).describe("Relative to the workspace, with / between the parts"),
  sha256: z.string().regex(CHECKSUM_PATTERN).describe("Checksum of the content"),
  size: z.int().min(0).describe("Length of the content in bytes"),
  mtime: timestampSchema.describe("When the file was last changed"),
  mode: z
    .string()
    .regex(/^0[0-7]{3}$/)
    .optional()
    .describe("Permission bits in octal, such as 0644"),
});

/** The manifest of a snapshot: what a workspace held, named by its content. */
export const snapshotManifestSchema = z.looseObject({
  schema: z.literal("holdfast/snapshot-manifest/v1").default("holdfast/snapshot-manifest/v1"),
  snapshot_id: snapshotIdSchema,
  created_at: timestampSchema,
  workspace_root: z.string().default("./").describe("Always ./: a snapshot does not say where it was taken"),
  include: z.array(z.string()).optional().describe("What was walked, when it was not the default"),
  exclude: z.array(z.string()).optional().describe("Ignore rules that were given besides the default"),
  contents: z.boolean().optional().describe("Whether the store holds the content of every file"),
  files: z.array(snapshotFileSchema).describe("Sorted by path in UTF-16 code units"),
});

/** One file of a snapshot. */
export type SnapshotFile = z.output<typeof snapshotFileSchema>;
/** The manifest of a snapshot. */
export type SnapshotManifest = z.output<typeof snapshotManifestSchema>;
