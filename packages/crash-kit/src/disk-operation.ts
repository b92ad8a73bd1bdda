/** Number of a file or folder on a simulated disk; a name leads to one. */
export type NodeId = number;

/** The root folder. */
export const ROOT: NodeId = 1;

/** One change that a program asked of a disk, or one sync, in the order in which they were made. */
export type DiskOperation =
  | {
      readonly kind: "write";
      readonly node: NodeId;
      readonly path: string;
      readonly offset: number;
      readonly data: Uint8Array;
      /** Size of the file before. */
      readonly before: number;
    }
  | {
      readonly kind: "truncate";
      readonly node: NodeId;
      readonly path: string;
      readonly length: number;
    }
  | { readonly kind: "chmod"; readonly node: NodeId; readonly path: string; readonly mode: number }
  /** A new name: of a new file or folder, or a further one of a file. */
  | {
      readonly kind: "enter";
      readonly folder: NodeId;
      readonly name: string;
      readonly node: NodeId;
      readonly path: string;
      readonly made: "file" | "directory" | "link";
    }
  | {
      readonly kind: "remove";
      readonly folder: NodeId;
      readonly name: string;
      readonly node: NodeId;
      readonly path: string;
    }
  | {
      readonly kind: "rename";
      readonly folder: NodeId;
      readonly name: string;
      readonly toFolder: NodeId;
      readonly toName: string;
      readonly node: NodeId;
      readonly path: string;
      readonly toPath: string;
    }
  /** A sync that succeeded: of a file's content (`data`: without its other attributes), or of a folder's names. */
  | { readonly kind: "sync"; readonly node: NodeId; readonly path: string; readonly data: boolean }
  /** A sync that reported an error: what it should have written may never reach the disk. */
  | { readonly kind: "failed-sync"; readonly node: NodeId; readonly path: string };

/** Operations that change names and attributes, which file systems with a journal keep in order. */
export type MetadataOperation = Extract<
  DiskOperation,
  { readonly kind: "enter" | "remove" | "rename" | "chmod" | "truncate" }
>;

/** Whether an operation changes names or attributes. */
export function isMetadata(operation: DiskOperation): operation is MetadataOperation {
  return !["write", "sync", "failed-sync"].includes(operation.kind);
}

/** An operation in words, for a story. */
export function describeOperation(operation: DiskOperation): string {
  switch (operation.kind) {
    case "write":
      return `write ${operation.data.byteLength} bytes at ${operation.offset} of ${operation.path}`;
    case "truncate":
      return `truncate ${operation.path} to ${operation.length}`;
    case "chmod":
      return `chmod ${operation.path} ${operation.mode.toString(8)}`;
    case "enter":
      return operation.made === "link"
        ? `link ${operation.path}`
        : `${operation.made === "file" ? "create" : "mkdir"} ${operation.path}`;
    case "remove":
      return `remove ${operation.path}`;
    case "rename":
      return `rename ${operation.path} to ${operation.toPath}`;
    case "sync":
      return `${operation.data ? "fdatasync" : "fsync"} ${operation.path}`;
    case "failed-sync":
      return `sync ${operation.path} fails`;
  }
}
