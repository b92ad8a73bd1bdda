import { createHash } from "node:crypto";
import { type DiskOperation, type NodeId, ROOT } from "./disk-operation.ts";

/** A file as it is on a disk. */
interface FileImage {
  readonly kind: "file";
  readonly mode: number;
  readonly data: Uint8Array;
}

/** A folder as it is on a disk. */
interface FolderImage {
  readonly kind: "directory";
  readonly mode: number;
  readonly names: ReadonlyMap<string, NodeId>;
}

/** What is on a disk while nobody works with it. */
export interface DiskImage {
  readonly nodes: ReadonlyMap<NodeId, FileImage | FolderImage>;
  /** The highest number given so far. */
  readonly last: NodeId;
}

/** What became of an operation that was not synced when the power failed. */
export type Fate =
  | { readonly kind: "kept" }
  | { readonly kind: "lost" }
  /** Of a write: only its first bytes; of a rename between folders: the new name is there, the old one too. */
  | { readonly kind: "torn"; readonly bytes: number }
  /** Of a write: the file has its new length, and zeros where the bytes belong. */
  | { readonly kind: "zeros" }
  /** Of a write: the sectors of the file whose bit is set (sector number modulo 24) are written, the others as they were, or zeros. */
  | { readonly kind: "sectors"; readonly kept: number };

/** Bytes that a disk writes whole or not at all. */
export const SECTOR = 512;

/** Bits of the fate `sectors`. */
export const SECTOR_BITS = 24;

/** An empty disk: a root folder. */
export const EMPTY_DISK: DiskImage = {
  nodes: new Map([[ROOT, { kind: "directory", mode: 0o700, names: new Map() }]]),
  last: ROOT,
};

interface MutableFile {
  readonly kind: "file";
  mode: number;
  data: Uint8Array;
}
interface MutableFolder {
  readonly kind: "directory";
  mode: number;
  readonly names: Map<string, NodeId>;
}

/** The attributes a node is born with: of a file or folder that the image does not have yet. */
export interface Birth {
  readonly kind: "file" | "directory";
  readonly mode: number;
}

/**
 * The disk after a crash: an image, and the operations since, each with its fate.
 *
 * @param births - Of the nodes that came since.
 * @param fateOf - What became of the operation with this index.
 */
export function imageAfter(
  image: DiskImage,
  operations: readonly DiskOperation[],
  births: ReadonlyMap<NodeId, Birth>,
  fateOf: (index: number) => Fate,
): DiskImage {
  const nodes = new Map<NodeId, MutableFile | MutableFolder>();
  const nodeOf = (id: NodeId): MutableFile | MutableFolder => {
    const known = nodes.get(id);
    if (known !== undefined) return known;
    const old = image.nodes.get(id);
    const { kind, mode } = old ?? births.get(id) ?? { kind: "file", mode: 0o600 };
    const node: MutableFile | MutableFolder =
      kind === "file"
        ? { kind, mode, data: old?.kind === "file" ? old.data : new Uint8Array() }
        : { kind, mode, names: new Map(old?.kind === "directory" ? old.names : []) };
    nodes.set(id, node);
    return node;
  };
  const namesOf = (id: NodeId): Map<string, NodeId> => {
    const node = nodeOf(id);
    return node.kind === "directory" ? node.names : new Map();
  };
  for (const id of image.nodes.keys()) nodeOf(id);
  for (const [index, operation] of operations.entries()) {
    const fate = fateOf(index);
    if (fate.kind === "lost") continue;
    switch (operation.kind) {
      case "write": {
        const node = nodeOf(operation.node);
        if (node.kind === "file") node.data = written(node.data, operation, fate);
        break;
      }
      case "truncate": {
        const node = nodeOf(operation.node);
        if (node.kind !== "file") break;
        const data = new Uint8Array(operation.length);
        data.set(node.data.subarray(0, operation.length));
        node.data = data;
        break;
      }
      case "chmod":
        nodeOf(operation.node).mode = operation.mode;
        break;
      case "enter":
        nodeOf(operation.node);
        namesOf(operation.folder).set(operation.name, operation.node);
        break;
      case "remove":
        if (namesOf(operation.folder).get(operation.name) === operation.node)
          namesOf(operation.folder).delete(operation.name);
        break;
      case "rename":
        namesOf(operation.toFolder).set(operation.toName, operation.node);
        if (fate.kind !== "torn" && namesOf(operation.folder).get(operation.name) === operation.node)
          namesOf(operation.folder).delete(operation.name);
        break;
      case "sync":
      case "failed-sync":
        break;
    }
  }
  return { nodes, last: Math.max(image.last, ...births.keys()) };
}

function written(
  old: Uint8Array,
  { offset, data }: { readonly offset: number; readonly data: Uint8Array },
  fate: Fate,
): Uint8Array {
  const part =
    fate.kind === "torn"
      ? data.subarray(0, fate.bytes)
      : fate.kind === "zeros"
        ? new Uint8Array(data.length)
        : data;
  const end = offset + part.length;
  const next = new Uint8Array(Math.max(old.length, end));
  next.set(old);
  if (fate.kind !== "sectors") next.set(part, offset);
  else {
    for (let at = offset, to: number; at < end; at = to) {
      const sector = Math.floor(at / SECTOR);
      to = Math.min(end, (sector + 1) * SECTOR);
      if ((fate.kept >> (sector % SECTOR_BITS)) & 1) next.set(part.subarray(at - offset, to - offset), at);
    }
  }
  return next;
}

/** A text that two images share exactly when a program cannot tell them apart. Hard links are not told from copies. */
export function fingerprint(image: DiskImage): string {
  const hash = createHash("sha256");
  const walk = (id: NodeId, name: string): void => {
    const node = image.nodes.get(id);
    if (node === undefined) return;
    if (node.kind === "file") {
      hash.update(`f ${JSON.stringify(name)} ${node.mode} ${node.data.length}\n`).update(node.data);
      return;
    }
    hash.update(`d ${JSON.stringify(name)} ${node.mode}\n`);
    for (const child of [...node.names.keys()].toSorted()) walk(node.names.get(child) ?? 0, child);
    hash.update("e\n");
  };
  walk(ROOT, "");
  return hash.digest("base64");
}
