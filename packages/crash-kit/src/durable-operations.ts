import { type DiskOperation, isMetadata, type MetadataOperation, type NodeId } from "./disk-operation.ts";

/**
 * What a file system promises about what was not synced.
 *
 * - `posix`: nothing. A name is durable by the sync of its folder alone; unsynced operations survive each on its own, in any order.
 * - `ordered`: as ext4 (`data=ordered`) and xfs: changes of names and attributes survive in their order, so that a later one never survives
 *   without an earlier one, and the full sync of a file or folder takes every such change up to its own last one with it. Contents that
 *   were not synced survive up to some byte where they extend a file, and each on its own where they overwrite.
 */
export type DiskModel = "posix" | "ordered";

/** When operations become durable. */
export interface Durability {
  /** For each operation: after how many operations in all it is durable, whatever happens then; `Infinity` for never. Syncs are so at once. */
  readonly from: readonly number[];
  /** For renames: after how many operations the new name is durable, although the old one may still be there. */
  readonly newNameFrom: ReadonlyMap<number, number>;
}

/** When each of the operations becomes durable by the syncs after it. */
export function durabilityOf(operations: readonly DiskOperation[], model: DiskModel): Durability {
  const from: number[] = Array.from({ length: operations.length }, () => Number.POSITIVE_INFINITY);
  const newNameFrom = new Map<number, number>();
  /** The next sync of a node, seen from the operation that is looked at, as a number of operations. */
  const nextSync = new Map<NodeId, number>();
  const nextFullSync = new Map<NodeId, number>();
  for (const [back, operation] of operations.toReversed().entries()) {
    const index = operations.length - 1 - back;
    switch (operation.kind) {
      case "sync":
        from[index] = index + 1;
        nextSync.set(operation.node, index + 1);
        if (!operation.data) nextFullSync.set(operation.node, index + 1);
        break;
      case "failed-sync":
        // What a sync could not write is given up: a later sync succeeds without it.
        from[index] = index + 1;
        nextSync.delete(operation.node);
        nextFullSync.delete(operation.node);
        break;
      case "write":
      case "truncate":
        from[index] = at(nextSync, operation.node);
        break;
      case "chmod":
        from[index] = at(nextFullSync, operation.node);
        break;
      case "rename":
        // The old name may stay beside the new one until its own folder is synced; both may not be gone.
        newNameFrom.set(index, at(nextFullSync, operation.toFolder));
        from[index] = at(nextFullSync, operation.folder);
        break;
      case "enter":
      case "remove":
        from[index] = at(nextFullSync, operation.folder);
        break;
    }
  }
  if (model === "ordered") commitInOrder(operations, from);
  return { from, newNameFrom };
}

function at(syncs: ReadonlyMap<NodeId, number>, node: NodeId): number {
  return syncs.get(node) ?? Number.POSITIVE_INFINITY;
}

/** A full sync takes every change of names and attributes up to the last one of its own node with it. */
function commitInOrder(operations: readonly DiskOperation[], from: number[]): void {
  const journal: number[] = [];
  let committed = 0; // how many of the journal's entries are durable
  const lastOf = new Map<NodeId, number>(); // node: how many entries of the journal there are with its last one
  for (const [index, operation] of operations.entries()) {
    if (operation.kind === "failed-sync") continue;
    if (operation.kind === "sync") {
      if (operation.data) continue;
      const end = lastOf.get(operation.node) ?? 0;
      for (; committed < end; committed += 1) from[journal[committed] ?? 0] = index + 1;
    } else if (isMetadata(operation)) {
      from[index] = Number.POSITIVE_INFINITY;
      journal.push(index);
      for (const node of nodesOf(operation)) lastOf.set(node, journal.length);
    }
  }
}

function nodesOf(operation: MetadataOperation): readonly NodeId[] {
  switch (operation.kind) {
    case "enter":
    case "remove":
      return [operation.node, operation.folder];
    case "rename":
      return [operation.node, operation.folder, operation.toFolder];
    case "chmod":
    case "truncate":
      return [operation.node];
  }
}
