import { basename, dirname, resolve, sep } from "node:path";
import type { FileStat, FileSystem, OpenFile, OpenMode } from "@holdfast/fsutil";
import { type Birth, type DiskImage, EMPTY_DISK, imageAfter } from "./disk-image.ts";
import { type DiskOperation, type NodeId, ROOT } from "./disk-operation.ts";

interface FileNode {
  readonly id: NodeId;
  readonly kind: "file";
  mode: number;
  mtimeNs: bigint;
  data: Uint8Array;
}
interface FolderNode {
  readonly id: NodeId;
  readonly kind: "directory";
  mode: number;
  mtimeNs: bigint;
  readonly names: Map<string, Node>;
}
type Node = FileNode | FolderNode;

/** Programs meet these errors by the thousand (a name that is not there), so they carry no stack, as those of the system do not. */
function fail(code: string, path: string): never {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(`${code}: '${path}'`), { code, path });
  Error.stackTraceLimit = stackTraceLimit;
  throw error;
}

/**
 * A disk in memory that writes down every change and every sync. What a program sees of it is what it wrote; what a crash leaves is for
 * `crashStates()` to say. It has no symlinks, and times are those that were set.
 */
export class SimulatedDisk implements FileSystem {
  /** What was on it in the beginning. */
  readonly image: DiskImage;
  readonly #operations: DiskOperation[] = [];
  readonly #births = new Map<NodeId, Birth>();
  readonly #parts = new Map<string, readonly string[]>();
  readonly #root: FolderNode;
  #last: NodeId;
  #open = 0;

  /**
   * @param start - What is on it; default nothing. All of it is durable.
   * @param before - The same, and what was done since and is still not durable: the disk as a killed process leaves it to the next one.
   */
  constructor(
    start: DiskImage = EMPTY_DISK,
    before: Pick<SimulatedDisk, "operations" | "births"> = { operations: [], births: new Map() },
  ) {
    this.image = start;
    this.#operations.push(...before.operations);
    for (const [id, birth] of before.births) this.#births.set(id, birth);
    const image = imageAfter(start, before.operations, before.births, () => ({ kind: "kept" }));
    this.#last = image.last;
    const nodes = new Map<NodeId, Node>(); // hard links stay links
    const nodeOf = (id: NodeId): Node => {
      const known = nodes.get(id);
      if (known !== undefined) return known;
      const found = image.nodes.get(id);
      if (found === undefined) throw new TypeError(`No node ${id} in this image`);
      const { kind, mode } = found;
      const node: Node =
        kind === "file"
          ? { id, kind, mode, mtimeNs: 0n, data: found.data }
          : { id, kind, mode, mtimeNs: 0n, names: new Map() };
      nodes.set(id, node);
      if (found.kind === "directory" && node.kind === "directory")
        for (const [name, child] of found.names) node.names.set(name, nodeOf(child));
      return node;
    };
    const root = nodeOf(ROOT);
    if (root.kind !== "directory") throw new TypeError("The root of a disk is a folder");
    this.#root = root;
  }

  /** What was done since, in order. */
  get operations(): readonly DiskOperation[] {
    return this.#operations;
  }

  /** How the files and folders that came since were born. */
  get births(): ReadonlyMap<NodeId, Birth> {
    return this.#births;
  }

  /** Files that are open now. */
  get openFiles(): number {
    return this.#open;
  }

  /** A file's content now, as text; `undefined` when there is none. */
  text(path: string): string | undefined {
    const node = this.#find(path);
    return typeof node === "object" && node.kind === "file"
      ? Buffer.from(node.data).toString("utf8")
      : undefined;
  }

  /** Paths of all files and folders now, sorted. */
  paths(): string[] {
    const found: string[] = [];
    const walk = (folder: FolderNode, prefix: string): void => {
      for (const [name, node] of folder.names) {
        found.push(prefix + name);
        if (node.kind === "directory") walk(node, `${prefix}${name}/`);
      }
    };
    walk(this.#root, "/");
    return found.toSorted();
  }

  /** Writes down that a sync of a file or folder reported an error. */
  noteFailedSync(path: string): void {
    const node = this.#find(path);
    if (typeof node === "object")
      this.#operations.push({ kind: "failed-sync", node: node.id, path: resolve(path) });
  }

  openSync(path: string, mode: OpenMode, permissions = 0o600): OpenFile {
    const { folder, name } = this.#place(path);
    let node = name === "" ? folder : folder.names.get(name);
    if (node !== undefined && mode === "create") fail("EEXIST", path);
    if (node === undefined) {
      if (mode === "read" || mode === "update") fail("ENOENT", path);
      node = {
        id: this.#birth("file", permissions),
        kind: "file",
        mode: permissions,
        mtimeNs: 0n,
        data: new Uint8Array(),
      };
      folder.names.set(name, node);
      this.#operations.push({
        kind: "enter",
        folder: folder.id,
        name,
        node: node.id,
        path: resolve(path),
        made: "file",
      });
    }
    if (node.kind !== "file" && mode !== "read") fail("EISDIR", path);
    this.#open++;
    return this.#handle(resolve(path), node, mode);
  }

  renameSync(from: string, to: string): void {
    const source = this.#place(from);
    const target = this.#place(to);
    const node = source.folder.names.get(source.name) ?? fail("ENOENT", from);
    if (resolve(to) !== resolve(from) && `${resolve(to)}${sep}`.startsWith(`${resolve(from)}${sep}`))
      fail("EINVAL", to);
    const taken = target.folder.names.get(target.name);
    if (taken?.kind === "directory" && node.kind === "file") fail("EISDIR", to);
    if (taken?.kind === "file" && node.kind === "directory") fail("ENOTDIR", to);
    if (taken?.kind === "directory" && taken.names.size > 0) fail("ENOTEMPTY", to);
    if (taken === node) return;
    source.folder.names.delete(source.name);
    target.folder.names.set(target.name, node);
    this.#operations.push({
      kind: "rename",
      folder: source.folder.id,
      name: source.name,
      toFolder: target.folder.id,
      toName: target.name,
      node: node.id,
      path: resolve(from),
      toPath: resolve(to),
    });
  }

  linkSync(existing: string, path: string): void {
    const node = this.#need(existing);
    const { folder, name } = this.#place(path);
    if (folder.names.has(name)) fail("EEXIST", path);
    if (node.kind !== "file") fail("EPERM", existing);
    folder.names.set(name, node);
    this.#operations.push({
      kind: "enter",
      folder: folder.id,
      name,
      node: node.id,
      path: resolve(path),
      made: "link",
    });
  }

  unlinkSync(path: string): void {
    const { folder, name } = this.#place(path);
    const node = folder.names.get(name) ?? fail("ENOENT", path);
    if (node.kind === "directory") fail("EISDIR", path);
    this.#remove(folder, name, node, path);
  }

  mkdirSync(path: string, permissions: number): void {
    const { folder, name } = this.#place(path);
    if (name === "" || folder.names.has(name)) fail("EEXIST", path);
    const id = this.#birth("directory", permissions);
    folder.names.set(name, { id, kind: "directory", mode: permissions, mtimeNs: 0n, names: new Map() });
    this.#operations.push({
      kind: "enter",
      folder: folder.id,
      name,
      node: id,
      path: resolve(path),
      made: "directory",
    });
  }

  rmdirSync(path: string): void {
    const { folder, name } = this.#place(path);
    const node = folder.names.get(name) ?? fail("ENOENT", path);
    if (node.kind !== "directory") fail("ENOTDIR", path);
    if (node.names.size > 0) fail("ENOTEMPTY", path);
    this.#remove(folder, name, node, path);
  }

  readdirSync(path: string): string[] {
    return [...this.#folder(path).names.keys()];
  }

  lstatSync(path: string): FileStat | undefined {
    const node = this.#find(path);
    return node === undefined || node === "not a folder" ? undefined : stat(node); // also below a file, as Node answers
  }

  statSync(path: string): FileStat | undefined {
    return this.lstatSync(path);
  }

  realpathSync(path: string): string {
    this.#need(path);
    return resolve(path);
  }

  utimesSync(path: string, mtimeNs: bigint): void {
    this.#need(path).mtimeNs = mtimeNs;
  }

  syncDirectorySync(path: string): void {
    const { id } = this.#folder(path);
    this.#operations.push({ kind: "sync", node: id, path: resolve(path), data: false });
  }

  async syncDirectory(path: string): Promise<void> {
    this.syncDirectorySync(path);
  }

  #birth(kind: Birth["kind"], mode: number): NodeId {
    this.#last += 1;
    this.#births.set(this.#last, { kind, mode });
    return this.#last;
  }

  #remove(folder: FolderNode, name: string, node: Node, path: string): void {
    folder.names.delete(name);
    this.#operations.push({ kind: "remove", folder: folder.id, name, node: node.id, path: resolve(path) });
  }

  #find(path: string): Node | "not a folder" | undefined {
    let at: Node = this.#root;
    for (const part of this.#partsOf(path)) {
      if (at.kind !== "directory") return "not a folder";
      const next = at.names.get(part);
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  #need(path: string): Node {
    const node = this.#find(path) ?? fail("ENOENT", path);
    return node === "not a folder" ? fail("ENOTDIR", path) : node;
  }

  #partsOf(path: string): readonly string[] {
    const known = this.#parts.get(path);
    if (known !== undefined) return known;
    const parts = resolve(path)
      .split(sep)
      .filter((name) => name !== "");
    this.#parts.set(path, parts);
    return parts;
  }

  #folder(path: string): FolderNode {
    const node = this.#need(path);
    return node.kind === "directory" ? node : fail("ENOTDIR", path);
  }

  /** The folder a name is in, and the name; of the root itself an empty one. */
  #place(path: string): { folder: FolderNode; name: string } {
    const full = resolve(path);
    return { folder: this.#folder(dirname(full)), name: basename(full) };
  }

  #handle(path: string, node: Node, mode: OpenMode): OpenFile {
    let open = true;
    const file = (): FileNode => {
      if (!open) fail("EBADF", path);
      return node.kind === "file" ? node : fail("EISDIR", path);
    };
    const readSync = (buffer: Uint8Array, position: number): number => {
      const part = file().data.subarray(position, position + buffer.byteLength);
      buffer.set(part);
      return part.byteLength;
    };
    const writeSync = (data: Uint8Array, position: number): number => {
      const target = file();
      if (mode === "read") fail("EBADF", path);
      const before = target.data.byteLength;
      const offset = mode === "append" ? before : position;
      const next = new Uint8Array(Math.max(before, offset + data.byteLength));
      next.set(target.data);
      next.set(data, offset);
      target.data = next;
      this.#operations.push({
        kind: "write",
        node: node.id,
        path,
        offset,
        data: Uint8Array.from(data),
        before,
      });
      return data.byteLength;
    };
    const syncSync = (kind: "full" | "data"): void => {
      if (!open) fail("EBADF", path);
      this.#operations.push({ kind: "sync", node: node.id, path, data: kind === "data" });
    };
    return {
      path,
      readSync,
      read: async (buffer, position) => readSync(buffer, position),
      writeSync,
      write: async (data, position) => writeSync(data, position),
      syncSync,
      sync: async (kind) => syncSync(kind),
      truncateSync: (length) => {
        const target = file();
        if (mode === "read") fail("EINVAL", path);
        const next = new Uint8Array(length);
        next.set(target.data.subarray(0, length));
        target.data = next;
        this.#operations.push({ kind: "truncate", node: node.id, path, length });
      },
      statSync: () => (open ? stat(node) : fail("EBADF", path)),
      chmodSync: (bits) => {
        if (!open) fail("EBADF", path);
        node.mode = bits;
        this.#operations.push({ kind: "chmod", node: node.id, path, mode: bits });
      },
      closeSync: () => {
        if (open) this.#open--;
        open = false;
      },
    };
  }
}

function stat(node: Node): FileStat {
  const { kind, mode, mtimeNs, id } = node;
  return {
    kind,
    mode,
    mtimeNs,
    ctimeNs: mtimeNs,
    ino: BigInt(id),
    dev: 1n,
    size: kind === "file" ? node.data.byteLength : 0,
  };
}
